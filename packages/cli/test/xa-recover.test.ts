import type { Status, TransactionDetails } from '@holdfast/protocol';
import { startMariadb, startPostgres } from '@holdfast/testing/servers';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { describeWith } from '@holdfast/testing/describe-with';
import { type Database, openDatabase } from '../src/database/open-database.ts';
import { detailsOf } from './support/details.ts';
import { FakeApi } from './support/fake-api.ts';
import { runCli } from './support/run-cli.ts';

let api: FakeApi;
beforeEach(async () => {
  api = await new FakeApi().listen();
});
afterEach(() => api.close());

/** The prepared transactions of these tests, and their status at the coordinator. */
const TRANSACTIONS = { won: 'succeed', lost: 'failed', open: 'submitted' } as const;
const CASES = [
  ...['won-01', 'won-09', 'lost-01', 'open-01', 'gone-01', 'saga-01', 'somebody-elses', 'somebody'],
  // Of workflows, whose branches have names. The first of them could be branch 01 of an unknown
  // transaction.
  ...['flow-debit-01', 'flow-won-pay', 'flow-won-card', 'flow-won-late', 'flow-lost-pay', 'lost-pay', 'two-again-01'],
  // Step card-2: a hyphen in a branch id is written as a tilde.
  'flow-won-card~2',
];
const ENDED_BY_DEFAULT = ['won-01', 'lost-01', 'flow-won-pay', 'flow-won-card', 'flow-won-card~2', 'flow-lost-pay'];

const step = (branchId: string, status: 'succeed' | 'failed') =>
  detailsOf()
    .branches.slice(0, 1)
    .map((branch) => ({ ...branch, branchId, op: 'action', status }));

function notifyCoordinator(): void {
  for (const [gid, status] of Object.entries(TRANSACTIONS))
    api.transactions.set(gid, detailsOf({ gid, status, pattern: 'xa' }));
  api.transactions.set('saga', detailsOf({ gid: 'saga', status: 'failed' }));
  const workflow = (gid: string, status: Status, branches: TransactionDetails['branches']) =>
    api.transactions.set(gid, detailsOf({ gid, status, pattern: 'workflow', branches }));
  workflow('flow', 'prepared', []);
  workflow('flow-won', 'succeed', [...step('pay', 'succeed'), ...step('card', 'failed'), ...step('card-2', 'succeed')]);
  workflow('flow-lost', 'failed', step('pay', 'succeed'));
  // Both may have a branch of that name.
  workflow('two-again', 'succeed', step('01', 'succeed'));
  workflow('two', 'succeed', step('again-01', 'succeed'));
}

interface Case {
  readonly name: string;
  readonly program: string;
  readonly start: () => Promise<{ readonly url: string; stop(): Promise<void> } | undefined>;
  readonly prepare: (name: string) => readonly string[];
  readonly list: string;
  readonly column: string;
}

const DATABASES: readonly Case[] = [
  {
    name: 'PostgreSQL',
    program: 'postgres',
    start: () => startPostgres(),
    prepare: (name) => ['begin', `insert into t values ('${name}')`, `prepare transaction '${name}'`],
    list: 'select gid from pg_prepared_xacts',
    column: 'gid',
  },
  {
    name: 'MariaDB',
    program: 'mariadbd',
    start: () => startMariadb(),
    prepare: (name) => [
      `xa start '${name}'`,
      `insert into t values ('${name}')`,
      `xa end '${name}'`,
      `xa prepare '${name}'`,
    ],
    list: 'xa recover',
    column: 'data',
  },
];

for (const { name, program, start, prepare, list, column } of DATABASES) {
  describeWith([program], `holdfast xa recover on ${name}`, () => {
    let server: Awaited<ReturnType<typeof start>>;
    let database: Database;
    let url = '';
    beforeAll(async () => {
      server = await start();
      if (server === undefined) throw new Error(`${name} is not installed`);
      url = server.url;
      database = await openDatabase(url);
      await database.query('create table t (name varchar(64))');
    });
    afterAll(async () => {
      await database.close();
      await server?.stop();
    });

    const prepared = async () => (await database.query(list)).map((row) => String(row[column])).toSorted();
    const recover = (...more: string[]) => runCli(['xa', 'recover', '--url', url, '--server', api.url, ...more]);
    async function prepareAll(): Promise<void> {
      const before = await prepared();
      for (const each of CASES.filter((known) => !before.includes(known))) {
        const connection = await openDatabase(url);
        for (const statement of prepare(each)) await connection.query(statement);
        await connection.close();
      }
    }

    it('shows the planned actions, and does nothing', async () => {
      notifyCoordinator();
      await prepareAll();
      const { out, err, exitCode } = await recover('--older-than', '0s', '--roll-back-unknown');
      expect(exitCode).toBe(0);
      const lines = out.map((line) => line.split(/ {2,}/));
      expect(lines.map(([gid, , status, will]) => [gid, status, will].join(' ')).toSorted()).toEqual(
        [
          'NAME GLOBAL WILL',
          'won-01 succeed commit',
          'won-09 succeed leave',
          'lost-01 failed rollback',
          'open-01 submitted leave',
          'gone-01 unknown rollback',
          'saga-01 failed leave',
          'somebody-elses unknown leave',
          'flow-debit-01 prepared leave',
          'flow-won-pay succeed commit',
          'flow-won-card succeed rollback',
          'flow-won-card~2 succeed commit',
          'flow-won-late succeed leave',
          'flow-lost-pay failed rollback',
          'lost-pay unknown leave',
          'two-again-01 succeed leave',
        ].toSorted(),
      );
      expect(err.join()).toContain('nothing was changed; with --yes, 7 of 15 would be finished');
      expect(await prepared()).toEqual(CASES.toSorted());
    });

    it('completes decided transactions with --yes, and unknown ones only if they are old or an option allows it', async () => {
      notifyCoordinator();
      await prepareAll();
      const { err, exitCode } = await recover('--yes');
      expect([err, exitCode]).toEqual([['6 ended, 0 not, 9 left'], 0]);
      expect(await database.query('select name from t order by name')).toEqual([
        { name: 'flow-won-card~2' },
        { name: 'flow-won-pay' },
        { name: 'won-01' },
      ]);
      expect(await prepared()).toEqual(CASES.filter((each) => !ENDED_BY_DEFAULT.includes(each)).toSorted());
      await recover('--older-than', '0s', '--roll-back-unknown', '--yes');
      expect(await prepared()).not.toContain('gone-01');
    });

    it('does nothing without a coordinator', async () => {
      await prepareAll();
      const options = ['--url', url, '--yes', '--roll-back-unknown', '--older-than', '0s'];
      const { exitCode } = await runCli(['xa', 'recover', ...options, '--server', 'http://127.0.0.1:1']);
      expect(exitCode).toBe(3);
      expect(await prepared()).toEqual(CASES.toSorted());
    });
  });
}

it('explains what is wrong with a database URL, and does not repeat its password', async () => {
  for (const url of [
    'oracle://me:secret@db/x',
    'db',
    'postgres://me:secret@127.0.0.1:1/x',
    'mysql://me:secret@127.0.0.1:1/x',
  ]) {
    const { err, exitCode } = await runCli(['xa', 'recover', '--url', url, '--server', api.url]);
    expect(exitCode).toBeGreaterThan(1);
    expect(err).toHaveLength(1);
    expect(err.join()).not.toContain('secret');
  }
});
