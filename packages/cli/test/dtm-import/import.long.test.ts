import { readFile } from 'node:fs/promises';
import { storeOf } from '@holdfast/server/store';
import { openRedisCommands, type RedisCommands, type Reply } from '@holdfast/store-redis';
import { describeWith } from '@holdfast/testing/describe-with';
import { GrpcParticipant } from '@holdfast/testing/grpc-participant';
import { HoldfastProcess } from '@holdfast/testing/holdfast-process';
import { BranchServer } from '@holdfast/testing/participant';
import { startMariadb, startPostgres, startRedis } from '@holdfast/testing/servers';
import { createConnection } from 'mysql2/promise';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, expect, it, vi } from 'vitest';
import type { DtmFound } from '../../src/dtm-import/dtm-source.ts';
import { openSqlSource } from '../../src/dtm-import/sql-source.ts';

/** What is left to be called of each transaction that dtm began, in this order. */
const EXPECTED: Readonly<Record<string, readonly string[]>> = {
  'saga-forward': ['02 action /wait/b', '03 action /ok/c'],
  'saga-back': ['02 compensate /ok/b', '01 compensate /ok/a'],
  'saga-orders': ['02 action /wait/b', '03 action /ok/c', '04 action /ok/d'],
  'saga-orders-back': ['01 compensate /ok/a'],
  'saga-grpc': ['/busi.Busi/TransOut one', '/busi.Busi/TransIn two'],
  'tcc-prepared': ['02 confirm /ok/b', '01 confirm /ok/a'],
  'tcc-confirming': ['01 confirm /ok/a'],
  'tcc-cancelling': ['01 cancel /ok/a'],
  'xa-committing': ['02 commit /ok/b'],
  'xa-rolling-back': ['01 rollback /ok/a', '02 rollback /ok/b'],
  'msg-prepared': ['00 msg /wait/query', '01 action /ok/a', '02 action /ok/b'],
  'msg-submitted': ['02 action /wait/b', '03 action /ok/c'],
  'msg-concurrent': ['01 action /wait/a', '03 action /wait/c'],
  'msg-delayed': ['01 action /ok/a'],
  'msg-topic': ['01-02 action /wait/two', '02 action /ok/b'],
  workflow: ['00 pay /wait/flow'],
};
const FAILED = new Set(['saga-back', 'saga-orders-back', 'tcc-cancelling', 'xa-rolling-back']);
/** The participants of the fixtures. */
const PARTICIPANTS = '127.0.0.1:18999';

interface Case {
  readonly name: string;
  readonly program: string;
  readonly start: () => Promise<{ readonly url: string; stop(): Promise<void> } | undefined>;
  readonly dump: string;
  readonly restore: (url: string, dump: string) => Promise<void>;
  /** Runs a statement that dtm would run, and keeps the connection until it is closed. */
  readonly use: (url: string) => Promise<() => Promise<void>>;
  /** A value that changes with dtm's records. */
  readonly records: (url: string) => Promise<string>;
  readonly storeOf: (url: string) => string;
}

const GLOBALS = 'select * from trans_global order by id';

const CASES: readonly Case[] = [
  {
    name: 'PostgreSQL',
    program: 'postgres',
    start: () => startPostgres(),
    dump: 'postgres.sql',
    restore: (url, dump) => withPg(url, async (client) => void (await client.query(dump))),
    use: async (url) => {
      const client = new pg.Client(url);
      await client.connect();
      await client.query(GLOBALS);
      return () => client.end();
    },
    records: (url) => withPg(url, async (client) => JSON.stringify((await client.query(GLOBALS)).rows)),
    storeOf: (url) => `${url}?schema=holdfast`,
  },
  {
    name: 'Redis',
    program: 'redis-server',
    start: () => startRedis(),
    dump: 'redis.json',
    restore: (url, dump) =>
      withRedis(url, async (query) => {
        for (const [key, value] of Object.entries(JSON.parse(dump) as Record<string, RedisValue>)) {
          if (typeof value === 'string') await query('set', key, value);
          else if (Array.isArray(value)) await query('rpush', key, ...value);
          else await query('zadd', key, ...Object.entries(value).flatMap(([member, score]) => [score, member]));
        }
      }),
    use: async (url) => {
      const commands = openRedisCommands(url);
      await commands.change('return 1', 'any');
      return () => commands.close();
    },
    records: (url) =>
      withRedis(url, async (query) => {
        const keys = textsOf(await query('keys', '{a}_[gsu]*')).toSorted();
        const due = textsOf(await query('zrange', '{a}_u', '0', '-1', 'withscores'));
        const texts = textsOf(await query('mget', ...keys.filter((key) => key !== '{a}_u')));
        return JSON.stringify([keys, due, texts]);
      }),
    storeOf: (url) => `${url}/0`,
  },
  {
    name: 'MariaDB',
    program: 'mariadbd',
    start: () => startMariadb(),
    dump: 'mariadb.sql',
    restore: (url, dump) => withMysql(url, async (client) => void (await client.query(dump))),
    use: async (url) => {
      const client = await createConnection(url);
      return () => client.end();
    },
    records: (url) => withMysql(url, async (client) => JSON.stringify((await client.query(GLOBALS))[0])),
    storeOf: (url) => url,
  },
];

type RedisValue = string | string[] | Record<string, string>;

async function withRedis<T>(url: string, work: (query: RedisCommands['query']) => Promise<T>): Promise<T> {
  const commands = openRedisCommands(url);
  try {
    return await work((command, ...args) => commands.query(command, ...args));
  } finally {
    await commands.close();
  }
}

const textsOf = (reply: Reply): string[] => (Array.isArray(reply) ? (reply as readonly Reply[]) : []).map(String);

async function withPg<T>(url: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client(url);
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

async function withMysql<T>(
  url: string,
  work: (client: Awaited<ReturnType<typeof createConnection>>) => Promise<T>,
): Promise<T> {
  const client = await createConnection({ uri: url, multipleStatements: true });
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

for (const each of CASES) {
  describeWith([each.program], `the import of a ${each.name} that dtm wrote`, () => {
    let database: { readonly url: string; stop(): Promise<void> };
    let http: BranchServer;
    let grpc: GrpcParticipant;
    const processes: HoldfastProcess[] = [];

    beforeAll(async () => {
      const started = await each.start();
      if (started === undefined) throw new Error(`${each.name} is not installed`);
      database = started;
      http = await BranchServer.start();
      grpc = await GrpcParticipant.start();
      const dump = await readFile(new URL(`fixtures/${each.dump}`, import.meta.url), 'utf8');
      await each.restore(
        database.url,
        dump
          .replaceAll(`${PARTICIPANTS}/busi.Busi`, `${grpc.address}/busi.Busi`)
          .replaceAll(PARTICIPANTS, new URL(http.url).host),
      );
    });
    afterEach(async () => {
      for (const run of processes.splice(0)) await run.kill();
    });
    afterAll(async () => {
      await http[Symbol.asyncDispose]();
      await grpc[Symbol.asyncDispose]();
      await database.stop();
    });

    const run = (...args: string[]): HoldfastProcess => {
      const child = new HoldfastProcess(args);
      processes.push(child);
      return child;
    };
    const importing = (...args: string[]): HoldfastProcess =>
      run('import', '--from', database.url, '--store', each.storeOf(database.url), ...args);

    it('is rejected while dtm is connected', async () => {
      const close = await each.use(database.url);
      const rejected = importing('--apply');
      expect(await rejected.ended).toBe(1);
      expect(rejected.err).toContain('dtm seems to be running');
      await close();
    });

    it('prints what it would do, and changes nothing', async () => {
      const before = await each.records(database.url);
      const planned = importing();
      expect([await planned.ended, planned.err]).toEqual([
        0,
        expect.stringContaining('16 would be imported, 0 imported earlier, 0 not importable; 1 finished'),
      ]);
      for (const gid of Object.keys(EXPECTED)) expect(planned.out).toContain(`✓ ${gid}  `);
      expect(await each.records(database.url)).toBe(before);
    });

    if (each.name !== 'Redis')
      it('takes a transaction once, and only with the branches that it read', async () => {
        const source = await openSqlSource(database.url, { schema: 'public', timeZone: undefined });
        try {
          let found: DtmFound | undefined;
          for await (const page of source.unfinished())
            found ??= page.find(({ global }) => global.gid === 'tcc-prepared');
          if (found === undefined) throw new Error('there is no tcc-prepared');
          expect(await source.take({ ...found, branches: found.branches.slice(2) })).toBe(false);
          const done = found.branches.map((branch) => ({ ...branch, status: 'succeed' }));
          expect(await source.take({ ...found, branches: done })).toBe(false);
          expect(await source.take(found)).toBe(true);
          expect(await source.take(found)).toBe(false);
        } finally {
          await source.close();
        }
        await each.restore(
          database.url,
          "update trans_global set owner = '', next_cron_time = now() where gid = 'tcc-prepared'",
        );
      });

    it('ends every transaction with the calls that were missing, although the import was killed', async () => {
      await importPart(importing('--apply', '--dtm-is-stopped'));
      const again = importing('--apply', '--dtm-is-stopped');
      expect([await again.ended, again.err]).toEqual([0, expect.stringContaining('0 not importable; 1 finished')]);
      const repeated = importing('--apply', '--dtm-is-stopped');
      expect([await repeated.ended, repeated.err]).toEqual([
        0,
        expect.stringContaining('0 imported, 16 imported earlier'),
      ]);
      expect(http.seen).toEqual([]);
      const coordinator = run('serve', '--store', each.storeOf(database.url), '--http-port', '0');
      const url = await coordinator.ready();
      await submit(url, { gid: 'tcc-prepared', trans_type: 'tcc' });
      await vi.waitUntil(() => callsOf('workflow').length > 0, { timeout: 20_000 });
      const end = { status: 'succeed', result: '' };
      await submit(url, { gid: 'workflow', trans_type: 'workflow', req_extra: end });
      for (const gid of Object.keys(EXPECTED))
        await vi.waitUntil(async () => (await statusOf(url, gid)) === (FAILED.has(gid) ? 'failed' : 'succeed'), {
          timeout: 20_000,
          interval: 20,
        });
      for (const [gid, calls] of Object.entries(EXPECTED)) {
        const isConcurrent = gid === 'msg-concurrent';
        expect([gid, isConcurrent ? callsOf(gid).toSorted() : callsOf(gid)]).toEqual([gid, calls]);
      }
      const forward = http.seen.find(({ url: at }) => at.searchParams.get('gid') === 'saga-forward');
      expect([forward?.headers['x-tenant'], forward?.body]).toEqual(['acme', '{"step":2}']);
      const flow = http.seen.find(({ url: at }) => at.searchParams.get('gid') === 'workflow');
      expect(flow?.body).toBe('{"amount":30}');
      expect(http.seen.some(({ url: at }) => at.searchParams.get('gid') === 'finished')).toBe(false);
    });

    /** Kills the import when it has imported some of the transactions. */
    async function importPart(child: HoldfastProcess): Promise<void> {
      const store = await storeOf(each.storeOf(database.url));
      await store.open();
      try {
        await vi.waitUntil(
          async () => {
            const { byStatus } = await store.count();
            const count = Object.values(byStatus).reduce((sum, one) => sum + one, 0);
            return count >= 3 || child.child.exitCode !== null;
          },
          { timeout: 20_000, interval: 1 },
        );
        child.child.kill('SIGKILL');
        await child.ended;
      } finally {
        await store.close();
      }
    }

    const callsOf = (gid: string): string[] =>
      gid === 'saga-grpc'
        ? grpc.seen.map(({ path, message }) => `${path} ${message.toString()}`)
        : http.seen
            .filter(({ url }) => url.searchParams.get('gid') === gid)
            .map(({ url: { searchParams, pathname } }) =>
              [searchParams.get('branch_id'), searchParams.get('op'), pathname].join(' '),
            );
  });
}

async function submit(url: string, body: object): Promise<void> {
  const response = await fetch(`${url}/api/dtmsvr/submit`, { method: 'POST', body: JSON.stringify(body) });
  expect(await response.text()).toContain('SUCCESS');
}

async function statusOf(url: string, gid: string): Promise<string> {
  const response = await fetch(`${url}/api/dtmsvr/query?gid=${gid}`);
  return ((await response.json()) as { transaction: { status: string } }).transaction.status;
}
