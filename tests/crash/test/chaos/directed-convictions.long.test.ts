import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { BranchKey, Holdfast } from '@holdfast/client';
import type { RedisBarrier } from '@holdfast/client/ioredis';
import type { DatabaseBarrier } from '@holdfast/client/pg';
import { startRedis } from '@holdfast/testing/servers';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest';
import { RowDialect } from '@holdfast/testing/barriers';
import { describeWith } from '@holdfast/testing/describe-with';
import { BROKEN_SDKS } from '../../src/chaos/broken-sdks.ts';
import { type PatchedBuild, withPatchedBuild } from '../../src/patched-build.ts';

interface PgConnection {
  commit(): Promise<void>;
}

interface XaParticipant {
  run(call: BranchKey, work: () => undefined): Promise<unknown>;
}

/** The modules of the SDK in a build, by their paths in `dist/`, as far as they are used here. */
interface Modules {
  'barrier/create-barrier.js': { readonly createBarrier: (dialect: RowDialect) => DatabaseBarrier<RowDialect> };
  'barrier/pg-connection.js': { readonly pgConnection: (client: unknown, begin: string) => PgConnection };
  'barrier/barrier.js': { readonly CommitUnknown: new (cause: unknown) => Error };
  'holdfast.js': { readonly holdfast: (api: unknown, waitTimeoutMs: number) => Holdfast };
  'ioredis.js': { readonly redisBarrier: (client: Redis) => RedisBarrier };
  'xa-participant/xa-participant.js': { readonly DialectXa: new (dialect: unknown, options: object) => XaParticipant };
}

type Load = <Path extends keyof Modules>(path: Path) => Promise<Modules[Path]>;

const loaderOf =
  ({ root }: PatchedBuild): Load =>
  (path) =>
    import(pathToFileURL(join(root, 'packages/client/dist', path)).href);

const callOf = (op: string) => ({ gid: 'g', transType: 'saga', branchId: '01', op }) as const;

/** Whether a promise is fulfilled. */
const succeeds = (promise: Promise<unknown>): Promise<boolean> =>
  promise.then(
    () => true,
    () => false,
  );

const LOST = new Error('lost against another transaction');

/** Inserted rows are visible to later transactions once theirs is committed. */
class CommittingDialect extends RowDialect {
  override async transaction<T>(body: (tx: RowDialect) => Promise<T>): Promise<T> {
    const tx = new RowDialect();
    for (const [key, row] of this.rows) tx.rows.set(key, row);
    const value = await body(tx);
    for (const [key, row] of tx.rows) this.rows.set(key, row);
    return value;
  }

  override insertMissing(open: RowDialect, rows: Parameters<RowDialect['insertMissing']>[1]) {
    return RowDialect.prototype.insertMissing.call(open, open, rows);
  }

  override lostAgainstAnother(error?: unknown): boolean {
    return error === LOST;
  }
}

async function barrierOf(load: Load) {
  const { createBarrier } = await load('barrier/create-barrier.js');
  return createBarrier(new CommittingDialect());
}

/** An XA participant over a database in which nothing is prepared; `ends` notes what it ends. */
async function xaOf(load: Load) {
  const { DialectXa } = await load('xa-participant/xa-participant.js');
  const ends: string[] = [];
  const rows = new RowDialect();
  const participant = new DialectXa(
    {
      rows,
      longestNameBytes: 64,
      open: () => Promise.resolve(undefined),
      isPrepared: () => Promise.resolve(false),
      end: (_name: string, how: string) => {
        ends.push(how);
        return Promise.resolve('missing');
      },
      withShortWaits: <T>(_tx: RowDialect, _laterMs: number, body: () => T) => body(),
      isBlocked: () => false,
    },
    {},
  );
  return { participant, ends };
}

/** For each broken SDK the shortest scenario in which its mistake shows: whether it does. */
const SCENARIOS: Readonly<Record<string, (load: Load) => Promise<boolean>>> = {
  repeats: async (load) => {
    const barrier = await barrierOf(load);
    let times = 0;
    for (let requests = 0; requests < 2; requests++) await barrier.run(callOf('action'), () => void times++);
    return times === 2;
  },

  'rows-apart': async (load) => {
    const barrier = await barrierOf(load);
    await succeeds(barrier.run(callOf('action'), () => Promise.reject(new Error('the work is rolled back'))));
    return !(await barrier.run(callOf('action'), () => undefined)).ran;
  },

  'no-origin-row': async (load) => {
    const barrier = await barrierOf(load);
    const undo = await barrier.run(callOf('compensate'), () => undefined);
    return undo.ran || (await succeeds(barrier.run(callOf('action'), () => undefined)));
  },

  'commit-believed': async (load) => {
    const { pgConnection } = await load('barrier/pg-connection.js');
    const client = {
      on: () => client,
      off: () => client,
      query: (text: string) => (text === 'commit' ? Promise.reject(new Error('ECONNRESET')) : Promise.resolve()),
    };
    return succeeds(pgConnection(client, 'begin').commit());
  },

  'next-number': async (load) => {
    const barrier = await barrierOf(load);
    const call = callOf('action');
    let times = 0;
    await succeeds(barrier.run(call, () => Promise.reject(LOST)));
    await succeeds(barrier.run(call, () => void times++));
    await succeeds(barrier.run(callOf('action'), () => void times++));
    return times !== 1;
  },

  'prepare-believed': async (load) => {
    const { participant } = await xaOf(load);
    return succeeds(participant.run({ ...callOf('commit'), transType: 'xa' }, () => undefined));
  },

  'rollback-of-nothing': async (load) => {
    const { participant, ends } = await xaOf(load);
    await participant.run({ ...callOf('rollback'), transType: 'xa' }, () => undefined);
    return !ends.includes('rollback');
  },

  'check-back-yes': async (load) => (await (await barrierOf(load)).checkBack('g')) === 'committed',

  'commit-after-refusal': async (load) => {
    const barrier = await barrierOf(load);
    await barrier.checkBack('g');
    return succeeds(barrier.message('g', () => undefined));
  },

  'outbox-gives-up': async (load) => {
    const [{ holdfast }, { CommitUnknown }] = await Promise.all([load('holdfast.js'), load('barrier/barrier.js')]);
    const started: string[] = [];
    // Whatever the requests are called: the first one creates, the second one decides.
    const api = new Proxy(
      {},
      {
        get: (_api, name) => () => {
          started.push(String(name));
          const status = started.length === 1 ? 'prepared' : 'submitted';
          return Promise.resolve({
            ok: true,
            value: { gid: 'g', status, rollbackReason: '', stopped: '', parked: '' },
          });
        },
      },
    );
    const barrier = {
      message: async (_gid: string, work: (tx: undefined) => unknown) => {
        await work(undefined);
        throw new CommitUnknown(new Error('ECONNRESET'));
      },
      checkBack: () => Promise.resolve('committed' as const),
    };
    const message = holdfast(api, 1_000).message('g').step('http://bank-b/credit');
    await succeeds(message.submitWith(barrier as never, 'http://bank-a/check', () => 'done'));
    return started.length !== 2 || !/submit/i.test(started[1] ?? '');
  },

  'redis-repeats': async (load) => {
    const { redisBarrier } = await load('ioredis.js');
    const client = new Redis(redis?.url ?? '');
    onTestFinished(() => client.disconnect());
    const barrier = redisBarrier(client);
    const call = { ...callOf('action'), gid: `g${Math.floor(performance.now() * 1_000)}` };
    for (let requests = 0; requests < 2; requests++)
      await barrier.run({ ...call }, (tx) => tx.call('INCR', `n-${call.gid}`));
    return (await client.get(`n-${call.gid}`)) === '2';
  },
};

let redis: Awaited<ReturnType<typeof startRedis>>;

/** Faults at random may miss a mistake that shows only in a rare place; these scenarios do not. */
describeWith(['redis-server'], 'the scenario of each broken SDK', () => {
  beforeAll(async () => {
    redis = await startRedis();
  });
  afterAll(() => redis?.stop());

  it('exists', () => {
    expect(Object.keys(SCENARIOS).toSorted()).toEqual(BROKEN_SDKS.map(({ name }) => name).toSorted());
  });

  it('shows nothing in the SDK as it is', async () => {
    const load = builtWith([]);
    for (const [name, shows] of Object.entries(SCENARIOS)) expect(await shows(load), name).toBe(false);
  });

  it.each(BROKEN_SDKS)('convicts $name: $wrong', async ({ name, patches }) => {
    expect(await SCENARIOS[name]?.(builtWith(patches))).toBe(true);
  });
});

function builtWith(patches: (typeof BROKEN_SDKS)[number]['patches']): Load {
  const build = withPatchedBuild(...patches);
  onTestFinished(() => build.dispose());
  return loaderOf(build);
}
