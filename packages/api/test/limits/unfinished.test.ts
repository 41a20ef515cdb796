import * as fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Admission, AdmittedCoordinator, type RunningCoordinator, startCoordinator, Unfinished } from '@holdfast/api';
import type { CallContext, Coordinator, TransactionInput } from '@holdfast/core';
import { MemoryStore } from '@holdfast/core/memory-store';
import { CheckedStore, type Store, StoreError } from '@holdfast/core/store';
import { HoldfastError, isFinal, type Principal } from '@holdfast/protocol';

const ANN: Principal = { id: 'ann', roles: ['submitter'] };
const BOB: Principal = { id: 'bob', roles: ['submitter'] };
const LIMIT = 3;
const silent = { debug() {}, info() {}, warn() {}, error() {} };

const contextOf = (principal: Principal, more: Partial<CallContext> = {}): CallContext => ({
  principal,
  namespace: 'default',
  ...more,
});
const tcc = (gid: string): TransactionInput => ({ gid, pattern: 'tcc' });

/** A store whose writes of transactions fail while `fault` is set; closing is left to the test. */
class FaultyStore {
  fault: StoreError | undefined;
  readonly store: Store;

  constructor(inner: Store) {
    const replaced: Partial<Store> = {
      close: () => Promise.resolve(),
      write: (batch) => (this.fault === undefined ? inner.write(batch) : Promise.reject(this.fault)),
    };
    this.store = new Proxy(inner, {
      get(_, name) {
        const value: unknown = Reflect.get(replaced, name) ?? Reflect.get(inner, name, inner);
        return typeof value === 'function' ? value.bind(inner) : value;
      },
    });
  }
}

/** Two nodes over one store. The first one bounds unfinished transactions. */
class TwoNodes implements AsyncDisposable {
  readonly clock = { nowMs: 0 };
  readonly inner = new CheckedStore(new MemoryStore(Date.now));
  readonly faulty = new FaultyStore(this.inner);
  readonly unfinished: Unfinished;
  nodes: RunningCoordinator[] = [];
  /** The first node with its limit. */
  one!: Coordinator;
  /** The second node without a limit. */
  other!: Coordinator;
  rejections = 0;

  constructor() {
    this.unfinished = new Unfinished({
      defaults: { inFlight: LIMIT },
      store: this.faulty.store,
      onLimited: () => this.rejections++,
      // A full quota is checked each time.
      nowMs: () => (this.clock.nowMs += 1_000),
    });
  }

  static async start(): Promise<TwoNodes> {
    const at = new TwoNodes();
    const onFinished = (id: string): void => at.unfinished.finished(id);
    const first = await startCoordinator({ store: at.faulty.store, logger: silent, onFinished });
    const second = await startCoordinator({ store: at.faulty.store, logger: silent });
    at.nodes = [first, second];
    at.one = new AdmittedCoordinator(first.engine, new Admission(first.branches), at.unfinished);
    at.other = new AdmittedCoordinator(second.engine, new Admission(second.branches));
    return at;
  }

  /** The code of the error of a call, or `ok`. */
  async codeOf(call: Promise<unknown>): Promise<string> {
    return call.then(
      () => 'ok',
      (thrown: unknown) => HoldfastError.from(thrown).code,
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.nodes.map((node) => node.close(0)));
    await this.inner.close();
  }
}

describe('unfinished transactions', () => {
  let at: TwoNodes;
  beforeEach(async () => void (at = await TwoNodes.start()));
  afterEach(() => at[Symbol.asyncDispose]());

  const fill = async (): Promise<void> => {
    for (const gid of ['a', 'b', 'c']) await at.one.prepare(contextOf(ANN), tcc(gid));
  };

  it('IF1: beyond the limit a new one is rejected and not stored, whichever way it is submitted', async () => {
    await fill();
    const saga: TransactionInput = { gid: 'd', pattern: 'saga' };
    const submissions = [
      at.one.prepare(contextOf(ANN), tcc('d')),
      at.one.submit(contextOf(ANN), saga),
      at.one.prepareWorkflow(contextOf(ANN), { gid: 'd', pattern: 'workflow', queryPrepared: 'http://h/w' }),
    ];
    for (const submission of submissions)
      await expect(submission).rejects.toMatchObject({ code: 'too_many_requests', gid: 'd', retryAfterMs: 1_000 });
    expect(await at.one.get(contextOf(ANN), 'd')).toBeUndefined();
    expect([at.rejections, at.unfinished.countOf(ANN)]).toEqual([3, LIMIT]);
  });

  it('IF1: whatever is done with those that exist is not rejected', async () => {
    await fill();
    const context = contextOf(ANN);
    await at.one.prepare(context, tcc('a'));
    const branch = { branchId: '01', op: 'confirm', url: 'http://h/c', payload: new Uint8Array(0), status: 'prepared' };
    await at.one.registerBranch(context, { gid: 'a', pattern: 'tcc', branches: [branch as never] });
    await at.one.abort(context, { gid: 'b', reason: '' });
    await at.one.submitPrepared(context, { gid: 'c', pattern: 'tcc' });
    expect(at.rejections).toBe(0);
  });

  it('IF1: a gid that exists is not new, although this node does not count it', async () => {
    await at.other.prepare(contextOf(ANN), tcc('x'));
    await fill();
    await at.one.prepare(contextOf(ANN), tcc('x'));
    await expect(at.one.submit(contextOf(ANN), { gid: 'x', pattern: 'saga' })).rejects.toMatchObject({
      code: 'exists',
    });
    expect([at.rejections, at.unfinished.countOf(ANN)]).toEqual([0, LIMIT]);
  });

  it('IF1: those of one principal do not bound another', async () => {
    await fill();
    await expect(at.one.prepare(contextOf(BOB), tcc('d'))).resolves.toMatchObject({ status: 'prepared' });
  });

  it('IF2: one that this node finishes is not counted from then on', async () => {
    await fill();
    await at.one.abort(contextOf(ANN), { gid: 'b', reason: '' });
    expect(at.unfinished.countOf(ANN)).toBe(LIMIT - 1);
    await at.one.prepare(contextOf(ANN), tcc('d'));
  });

  it('IF2: one that another node finishes, or deletes, makes room for a new one', async () => {
    await fill();
    await at.other.abort(contextOf(ANN), { gid: 'b', reason: '' });
    await at.one.prepare(contextOf(ANN), tcc('d'));
    expect(at.unfinished.countOf(ANN)).toBe(LIMIT);
  });

  it('IF2: one that was not stored is not counted', async () => {
    const late = contextOf(ANN, { deadlineMs: 1 });
    expect(await at.codeOf(Promise.resolve().then(() => at.one.prepare(late, tcc('a'))))).toBe('deadline_exceeded');
    at.faulty.fault = new StoreError('rejected', 'too long');
    expect(await at.codeOf(at.one.prepare(contextOf(ANN), tcc('b')))).toBe('invalid');
    expect(at.unfinished.countOf(ANN)).toBe(0);
  });

  it('IF2: those whose outcome is unknown are checked before another one is rejected', async () => {
    at.faulty.fault = new StoreError('unavailable', 'the store is away');
    for (const gid of ['a', 'b', 'c'])
      expect(await at.codeOf(at.one.prepare(contextOf(ANN), tcc(gid)))).toBe('unavailable');
    at.faulty.fault = undefined;
    await at.one.prepare(contextOf(ANN), tcc('d'));
    expect([at.rejections, at.unfinished.countOf(ANN)]).toEqual([0, 1]);
  });

  it('IF3: one is counted once, for its first principal', async () => {
    await Promise.all([1, 2, 3, 4].map(() => at.one.prepare(contextOf(ANN), tcc('a'))));
    await at.one.prepare(contextOf(BOB), tcc('a'));
    expect([at.unfinished.countOf(ANN), at.unfinished.countOf(BOB)]).toEqual([1, 0]);
  });

  it('of concurrent submissions no more are accepted than the limit', async () => {
    const gids = Array.from({ length: 20 }, (_, number) => `g${number}`);
    const codes = await Promise.all(gids.map((gid) => at.codeOf(at.one.prepare(contextOf(ANN), tcc(gid)))));
    expect(codes.filter((code) => code === 'ok')).toHaveLength(LIMIT);
  });
});

const GIDS = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'];
const command = fc.record({
  kind: fc.constantFrom('prepare', 'prepare', 'prepare', 'submit', 'abort', 'stop', 'other content', 'late'),
  gid: fc.constantFrom(...GIDS),
  atOther: fc.boolean(),
  fault: fc.constantFrom(undefined, undefined, undefined, undefined, 'unavailable' as const, 'rejected' as const),
  together: fc.boolean(),
});

it('IF2: whatever happens, a submission is rejected only if the limit is really reached, and no count is leaked', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(command, { maxLength: 40 }), async (commands) => {
      await using at = await TwoNodes.start();
      const unfinishedInStore = async (): Promise<string[]> => {
        const records = await at.inner.get(GIDS.map((gid) => ({ namespace: 'default', gid })));
        return records.flatMap((record) => (record === undefined || isFinal(record.status) ? [] : [record.key.gid]));
      };
      let running: Promise<unknown>[] = [];
      for (const { kind, gid, atOther, fault, together } of commands) {
        const node = atOther ? at.other : at.one;
        const context = contextOf(ANN, kind === 'late' ? { deadlineMs: 1 } : {});
        if (!together) await Promise.all(running);
        const before = at.rejections;
        at.faulty.fault = fault === undefined ? undefined : new StoreError(fault, 'a fault');
        const call = Promise.resolve().then((): Promise<unknown> => {
          switch (kind) {
            case 'submit':
              return node.submitPrepared(context, { gid, pattern: 'tcc' });
            case 'abort':
              return node.abort(context, { gid, reason: '' });
            case 'stop':
              return node.forceStop(context, { gid, reason: '' });
            case 'other content':
              return node.submit(context, { gid, pattern: 'saga' });
            default:
              return node.prepare(context, tcc(gid));
          }
        });
        running = together ? [...running, at.codeOf(call)] : [at.codeOf(call)];
        if (together) continue;
        await Promise.all(running);
        const unfinished = await unfinishedInStore();
        if (at.rejections > before) {
          expect(unfinished).not.toContain(gid);
          expect(unfinished.length).toBeGreaterThanOrEqual(LIMIT);
        }
        expect(at.unfinished.countOf(ANN)).toBeLessThanOrEqual(LIMIT);
      }
      await Promise.all(running);
      at.faulty.fault = undefined;
      for (const gid of await unfinishedInStore())
        await at.codeOf(at.other.forceStop(contextOf(ANN), { gid, reason: '' }));
      expect(await unfinishedInStore()).toEqual([]);
      for (const gid of ['x', 'y', 'z']) await at.one.prepare(contextOf(ANN), tcc(gid));
      expect(at.unfinished.countOf(ANN)).toBe(LIMIT);
    }),
    { numRuns: 60 },
  );
});
