import { expect, it } from 'vitest';
import { describeWith } from '@holdfast/testing/describe-with';
import { startPostgres } from '@holdfast/testing/servers';
import { Pool } from 'pg';
import { postgresBarrier, postgresXa } from '../../src/pg.ts';
import type { BranchCallContext } from '../../src/participants/call.ts';
import type { Flow } from '../../src/workflow/flow.ts';
import { connectHarness } from '@holdfast/testing/connect-harness';
import { xaWorkflowSuite } from './workflow-cases.ts';
import { openPostgresXa } from './worlds.ts';

describeWith(['postgres'], 'XA steps of workflows on PostgreSQL', () => {
  xaWorkflowSuite(openPostgresXa);
});

/** A private server whose sessions wait for locks without limit, as is its default. */
async function withAccounts<T>(connections: number, body: (pool: Pool) => Promise<T>): Promise<T> {
  const server = await startPostgres();
  if (server === undefined) throw new Error('PostgreSQL is not installed');
  const pool = new Pool({ connectionString: server.url, max: connections });
  pool.on('error', () => {});
  try {
    await postgresBarrier(pool).ensureSchema();
    await pool.query('create table account (id int primary key, balance int not null)');
    await pool.query('insert into account select n, 0 from generate_series(1, 2) n');
    return await body(pool);
  } finally {
    await pool.end();
    await server.stop();
  }
}

const CHANGE = 'update account set balance = balance + 1 where id = $1';

const balances = async (pool: Pool): Promise<readonly number[]> =>
  (await pool.query<{ balance: number }>('select balance from account order by id')).rows.map(({ balance }) => balance);

const prepared = async (pool: Pool): Promise<number> =>
  (await pool.query('select 1 from pg_prepared_xacts')).rows.length;

describeWith(['postgres'], 'a barrier beside prepared transactions on PostgreSQL', () => {
  it('two workflows whose local steps wait for the XA steps of each other both finish', async () => {
    await withAccounts(20, async (pool) => {
      const barrier = postgresBarrier(pool, { lockTimeoutMs: 500 });
      const xa = postgresXa(pool);
      const { hf, branches, workflowOptions } = await connectHarness.start({
        xa: (call: BranchCallContext<number | undefined>) => xa.run(call, (tx) => tx.query(CHANGE, [call.payload])),
      });
      let waiting = 0;
      let open = (): void => undefined;
      const both = new Promise<void>((resolve) => (open = resolve));
      const options = { version: 1, ...workflowOptions, longestPreparedMs: 1_000 };
      const move = hf.workflow('move', options, async (flow: Flow, [prepares, changes]: readonly number[]) => {
        await flow.xa('prepares', { url: branches.xa, payload: prepares });
        if (++waiting === 2) open();
        await both;
        const change = 'update account set balance = balance - 1 where id = $1';
        await flow.step('changes', {
          run: (call) => barrier.run(call, (tx) => tx.query(CHANGE, [changes])).then(() => undefined),
          undo: (_, call) => barrier.run(call, (tx) => tx.query(change, [changes])),
        });
      });
      const runs = [move.run([1, 2], { wait: true }), move.run([2, 1], { wait: true })];
      const outcomes = await Promise.allSettled(runs);
      const successes = outcomes.filter(({ status }) => status === 'fulfilled').length;
      for (const outcome of outcomes)
        if (outcome.status === 'rejected') expect(outcome.reason).toMatchObject({ code: 'transaction_failed' });
      expect(await prepared(pool)).toBe(0);
      expect(await balances(pool)).toEqual([successes, successes]);
    });
  });

  it('calls that wait for a row of a prepared transaction release their connections for its commit or rollback', async () => {
    await withAccounts(2, async (pool) => {
      const xa = postgresXa(pool);
      const holder = { gid: 'holder', transType: 'xa', branchId: '01' } as const;
      await xa.run({ ...holder, op: 'action' }, (tx) => tx.query(CHANGE, [1]));
      const barrier = postgresBarrier(pool, { lockTimeoutMs: 500 });
      const waiting = ['s1', 's2'].map((gid) =>
        barrier.run({ gid, transType: 'saga', branchId: '01', op: 'action' }, (tx) => tx.query(CHANGE, [1])),
      );
      const outcomes = Promise.allSettled(waiting);
      await xa.run({ ...holder, op: 'commit' }, () => expect.unreachable());
      const failures = (await outcomes).filter((outcome) => outcome.status === 'rejected');
      // The commit takes the connection of the first call that fails, and the other call continues.
      expect(failures.length).toBeGreaterThan(0);
      for (const { reason } of failures) expect(reason).toMatchObject({ code: '55P03' });
      expect(await balances(pool)).toEqual([1 + waiting.length - failures.length, 0]);
    });
  });

  it('a workflow whose next step PostgreSQL cancels for its own XA step is aborted (serializable)', async () => {
    await withAccounts(20, async (pool) => {
      const serializable = { isolation: 'serializable' } as const;
      const barrier = postgresBarrier(pool, serializable);
      const xa = postgresXa(pool);
      const other = await pool.connect();
      const { hf, branches, workflowOptions } = await connectHarness.start({
        xa: (call: BranchCallContext) =>
          xa.run(call, async (tx) => {
            await tx.query('select sum(balance) from account');
            await tx.query(CHANGE, [1]);
            // Makes the XA step a pivot: what this read, another transaction changed and committed.
            if (!(await isSerializable(tx))) throw new Error('XA transactions have the default of the session');
            await other.query('begin isolation level serializable');
            await other.query(CHANGE, [2]);
            await other.query('commit');
          }),
      });
      pool.on('connect', (client) => void client.query("set default_transaction_isolation = 'serializable'"));
      const options = { version: 1, ...workflowOptions, longestPreparedMs: 1_000 };
      const codes = new Set<unknown>();
      const sum = hf.workflow('sum', options, async (flow: Flow) => {
        await flow.xa('prepares', { url: branches.xa });
        await flow.step('reads', {
          run: async (call) => {
            const read = barrier.run(call, (tx) => tx.query('select sum(balance) from account'));
            await read.catch((error: unknown) => {
              codes.add((error as { readonly code: unknown }).code);
              throw error;
            });
          },
          undo: () => undefined,
        });
      });
      await expect(sum.run(undefined, { wait: true })).rejects.toMatchObject({
        code: 'transaction_failed',
        reason: expect.stringContaining('could not serialize'),
      });
      other.release();
      expect([...codes]).toEqual(['40001']);
      expect(await prepared(pool)).toBe(0);
      expect(await balances(pool)).toEqual([0, 1]);
    });
  });
});

const isSerializable = async (tx: { query: Pool['query'] }): Promise<boolean> =>
  (await tx.query<{ level: string }>("select current_setting('transaction_isolation') as level")).rows[0]?.level ===
  'serializable';
