import pg from 'pg';
import { expect, it } from 'vitest';
import { describeWith } from '@holdfast/testing/describe-with';
import { runCli } from '../support/run-cli.ts';
import { useDatabase } from './support/database.ts';
import { Coordinator, until } from './support/process.ts';

interface Entry {
  readonly sequence: number;
  readonly kind: string;
  readonly node: string;
  readonly reason?: string;
  readonly on: { readonly gid?: string };
}

const ACTIONS = 25;

describeWith(['postgres'], 'the audit log of several processes over one database', () => {
  const database = useDatabase();

  async function entriesOf(node: Coordinator, gid = ''): Promise<Entry[]> {
    const { json } = await node.get(`/api/v1/audit?order=oldest&limit=1000${gid && `&gid=${gid}`}`);
    return (json.items as readonly unknown[] as readonly { line: string }[]).map(
      ({ line }) => JSON.parse(line) as Entry,
    );
  }
  const verify = (node: Coordinator) => runCli(['audit', 'verify', '--server', node.url]);

  it('is one chain while two nodes write at once', async () => {
    const store = database.newStore();
    const start = (node: string) => Coordinator.start(store, '--audit', 'on', '--node', node);
    await using a = await start('a');
    await using b = await start('b');
    const act = async (node: Coordinator, name: string): Promise<void> => {
      for (let n = 0; n < ACTIONS; n++) await node.post(`/api/v1/transactions/${name}-${n}/retry`);
    };
    await Promise.all([act(a, 'a'), act(a, 'c'), act(b, 'b'), act(b, 'd')]);
    const entries = (await entriesOf(b)).filter(({ on }) => on.gid !== undefined);
    expect(entries).toHaveLength(4 * 2 * ACTIONS);
    expect(new Set(entries.map(({ node }) => node))).toEqual(new Set(['a', 'b']));
    for (const node of [a, b]) {
      const { err, exitCode } = await verify(node);
      expect([exitCode, err.join('\n')]).toEqual([0, expect.stringMatching(/^✓ 20\d entries/)]);
      expect(err.join('\n')).not.toContain('without a result');
    }
  });

  it('shows an action whose node was killed as unknown, and continues', async () => {
    const store = database.newStore();
    const start = (node: string) => Coordinator.start(store, '--audit', 'on', '--node', node);
    await using killed = await start('killed');
    await using other = await start('other');
    const body = { gid: 'g', pattern: 'tcc' };
    expect((await killed.post('/api/v1/transactions', body)).status).toBe(200);

    // The transaction cannot be written while another session holds its row.
    const { searchParams } = new URL(store);
    const holder = new pg.Client({ connectionString: database.server().url });
    await holder.connect();
    await holder.query(`begin; lock table ${searchParams.get('schema')}.transactions in exclusive mode`);
    const stop = killed.post('/api/v1/transactions/g/stop', { reason: 'INC-42' }).catch(() => 'connection lost');
    const [begun] = await until(async () => {
      const found = await entriesOf(other, 'g');
      return found.length > 0 && found;
    });
    killed.child.kill('SIGKILL');
    expect(await stop).toBe('connection lost');
    await holder.query('rollback');
    await holder.end();

    expect(begun).toMatchObject({ kind: 'begun', node: 'killed', reason: 'INC-42' });
    const listed = await runCli(['audit', 'list', '--gid', 'g', '--server', other.url]);
    expect(listed.out.slice(1)).toEqual([expect.stringMatching(/stopTransaction +unknown +gid=g +INC-42/)]);
    // Later entries are not blocked, and the chain is whole.
    expect((await other.post('/api/v1/transactions/h/retry')).status).toBe(404);
    expect(await entriesOf(other, 'h')).toMatchObject([{ kind: 'begun' }, { kind: 'result' }]);
    const { err, exitCode } = await verify(other);
    expect(exitCode).toBe(0);
    expect(err.join('\n')).toContain(`without a result (in progress, or the outcome is unknown): ${begun?.sequence}`);
  });
});
