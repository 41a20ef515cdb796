import type { Store } from '@holdfast/core/store';
import { type Connection, createConnection, type RowDataPacket } from 'mysql2/promise';
import { beforeAll, describe, expect, it } from 'vitest';
import { describeWith } from '@holdfast/testing/describe-with';
import { appendOf, insertOf, updateOf } from '@holdfast/testing/store-cases';
import { createMysqlStore } from '../src/index.ts';
import { newPrefix, useServer } from '@holdfast/testing/mysql';

/** The server's plan for one table of a statement. */
interface Step extends RowDataPacket {
  readonly table: string | null;
  readonly type: string | null;
  readonly key: string | null;
  readonly select_type: string;
}

interface Plan {
  readonly statement: string;
  readonly steps: readonly Step[];
}

/** Tables that are read whole: one row per namespace and slot, one row per live session. */
const SMALL = ['counters', 'sessions'];

describeWith(['mariadb'], 'plans on a real server', () => {
  const { url, run } = useServer(['--log-output=TABLE']);

  describe.each([
    ['empty tables, of which nothing is known', 0],
    ['20,000 finished and 2,000 waiting transactions', 22_000],
  ])('in %s', (_, records) => {
    const prefix = newPrefix();
    const plans: Plan[] = [];

    beforeAll(async () => {
      const store = createMysqlStore({ url: url(), prefix });
      await store.open();
      await store.openSession('session', { node: 'node', version: '1' });
      for (let from = 0; from < records; from += 2_000)
        await store.write(
          Array.from({ length: 2_000 }, (__, i) =>
            insertOf(`gid-${from + i}`, from === 0 ? { dueInMs: 60_000 + i } : { status: 'succeed' }),
          ),
        );
      if (records > 0) {
        await store.write(Array.from({ length: 500 }, (__, i) => appendOf(`gid-${i}`, 'entry')));
        await run(
          `analyze table ${['transactions', 'entries', 'counters', 'sessions'].map((name) => prefix + name).join()}`,
        );
      }
      // The general log of the server contains the statements that the calls consist of.
      await run('truncate mysql.general_log; set global general_log = 1');
      await everyCall(store);
      await run('set global general_log = 0');
      await store.close();
      const logged = await run(
        `select argument from mysql.general_log where command_type = 'Query' and argument like '%${prefix}%'`,
      );
      const client = await createConnection({ uri: url() });
      await client.query('set @now = 1700000000000');
      // A call is logged as a whole. Within literals a line never ends.
      const statements = new Set(logged.flatMap(({ argument }) => String(argument).split(';\n')));
      for (const statement of statements)
        if (!/^(set|start|commit|prepare|execute|rollback)/.test(statement))
          plans.push(await planOf(client, statement));
      await client.end();
    });

    /** Steps that read transactions or entries. */
    const stepsOf = (word: RegExp): readonly Step[] => {
      const found = plans.filter(({ statement }) => word.test(statement));
      expect(found.length).toBeGreaterThan(0);
      return found.flatMap(({ steps }) => steps.filter(({ table }) => /^(t|e|s|\w+transactions)$/.test(table ?? '')));
    };

    it('no statement scans a table, but for small ones and what it brought along', () => {
      expect(plans.length).toBeGreaterThan(30);
      for (const { statement, steps } of plans)
        for (const { table, type, select_type } of steps)
          if (select_type !== 'INSERT' && (type === 'ALL' || type === 'index') && !/^(<|u$|k$|e$|w$)/.test(table ?? ''))
            expect(
              SMALL.map((name) => prefix + name).includes(table ?? '') || table === 's',
              `${table}: ${statement}`,
            ).toBe(true);
    });

    it.each([
      ['an append, a claim, a release, a purge', /^\s*(update|delete t from \()/],
      ['what a purge takes from the counts', /^\s*insert into \w+counters[^]*select/],
      ['records and versions', /^\s*select t\.id, t\.version[\s\S]* k straight_join/],
    ])('%s finds transactions by key', (__, word) => {
      const steps = stepsOf(word).filter(({ table }) => table === 't');
      expect(steps.length).toBeGreaterThan(0);
      for (const { type, key } of steps) expect(`${type} ${key}`).toMatch(/^(eq_ref|range|const) PRIMARY$/);
    });

    it.each([
      ['what is due, owned or finished', /force index \(place\)/, 'place'],
      ['a page of a list', /^\s*select[^]*force index \(created\)/, 'created'],
    ])('%s is found by its index', (__, word, index) => {
      for (const { key } of stepsOf(word).filter(
        ({ table }) => table === 't' || table?.endsWith('transactions') === true,
      ))
        expect(key).toBe(index);
    });
  });
});

async function planOf(client: Connection, statement: string): Promise<Plan> {
  const [steps] = await client.query<Step[]>(`explain ${statement}`);
  return { statement, steps };
}

/** Each call of the contract that reads transactions. */
async function everyCall(store: Store): Promise<void> {
  const keys = ['x', 'y'].map((gid) => ({ namespace: 'default', gid }));
  await store.write([insertOf('x'), insertOf('y'), insertOf('z', { owner: 'session', dueInMs: null })]);
  await store.write(['done', 'too'].map((gid) => insertOf(gid, { status: 'succeed' })));
  await store.write([updateOf('x'), appendOf('y', 'entry'), insertOf('z')]);
  await store.get(keys);
  await store.versions(keys);
  await store.list({ namespace: 'default', limit: 10 });
  const { next } = await store.list({ namespace: 'default', limit: 1, status: 'submitted' });
  if (next !== null) await store.list({ namespace: 'default', limit: 1, cursor: next });
  await store.claimDue({ session: 'session', limit: 10, groups: ['other'] });
  await store.makeDue({ namespace: 'default', laterThanMs: 0, limit: 10 });
  await store.heartbeat('session');
  await store.openSession('next', { node: 'node', version: '1' });
  await store.endSession('session');
  await store.takeOver({ silenceMs: 600_000, keep: 'next', limit: 10 });
  await store.sessions();
  await store.count();
  await store.count('default');
  await store.purge({ olderThanMs: -1, limit: 10 });
}
