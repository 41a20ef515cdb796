import { type BranchResult, SUCCESS } from '@holdfast/protocol';
import { describe, expect, it } from 'vitest';
import { encodeDefinition } from '../../src/codec/definition-codec.ts';
import { encodeState } from '../../src/codec/state-codec.ts';
import { viewOf } from '../../src/engine/records.ts';
import { Engine, type EngineOptions } from '../../src/engine/index.ts';
import type { Alert } from '../../src/index.ts';
import { MemoryStore } from '../../src/memory-store/memory-store.ts';
import { newTransaction, type State } from '../../src/patterns/index.ts';
import {
  type InsertItem,
  StoreError,
  type StoredTransaction,
  type WriteItem,
  type WriteOutcome,
} from '../../src/store/index.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { CREATED_AT_MS, saga } from '../patterns/support/definitions.ts';

const context = { principal: { id: 'test', roles: [] }, namespace: 'default' };
const quiet = (): void => {};

/** A memory store that rejects items by a rule of the test. */
class RefusingStore extends MemoryStore {
  refuses: (item: WriteItem) => boolean = () => false;
  refused = 0;

  override async write(batch: readonly WriteItem[]): Promise<WriteOutcome[]> {
    if (batch.some((item) => this.refuses(item))) {
      this.refused++;
      throw new StoreError('rejected', 'an item is too large');
    }
    return super.write(batch);
  }
}

class Node {
  readonly clock = new ManualClock();
  readonly store = new RefusingStore(() => CREATED_AT_MS + this.clock.monotonicMs());
  readonly calls: string[] = [];
  readonly alerts: Alert[] = [];
  readonly results = new Map<string, () => Promise<BranchResult>>();
  readonly engine: Engine;

  constructor(options: Partial<EngineOptions> = {}) {
    this.engine = new Engine(
      {
        store: this.store,
        clock: this.clock,
        random: () => 0,
        identities: { newGid: () => 'unused', newSession: () => 'A.1' },
        caller: {
          destinationOf: () => 'everywhere',
          call: ({ gid, branchId, op }) => {
            this.calls.push(`${gid} ${branchId} ${op}`);
            return this.results.get(`${gid} ${branchId} ${op}`)?.() ?? Promise.resolve(SUCCESS);
          },
        },
        logger: { debug: quiet, info: quiet, warn: quiet, error: quiet },
        alert: (alert) => void this.alerts.push(alert),
      },
      { retentionMs: 0, retryIntervalMs: 1_000, ...options },
    );
  }

  async record(gid: string) {
    const [record] = await this.store.get([{ namespace: 'default', gid }]);
    if (record === undefined) throw new Error(`no record of ${gid}`);
    return record;
  }

  /** Stores a saga of two steps that is due, as a node left it. */
  async leave(gid: string, changes: Partial<State> = {}): Promise<void> {
    const definition = saga(2);
    const key = { namespace: 'default', gid };
    const { state } = newTransaction(key, definition, CREATED_AT_MS);
    const left = { ...state, status: 'submitted' as const, ...changes };
    const item: InsertItem = {
      kind: 'insert',
      key,
      writeId: `left-${gid}`,
      status: left.status,
      owner: null,
      dueInMs: 0,
      attention: false,
      state: encodeState(left),
      pattern: 'saga',
      group: '',
      definition: encodeDefinition(definition),
    };
    await this.store.write([item]);
  }
}

const never = (): Promise<BranchResult> => new Promise(quiet);
const submitted = (gid: string, steps: number) => {
  const { steps: urls, payloads } = saga(steps);
  return { gid, pattern: 'saga' as const, steps: urls, payloads };
};

describe('an exception in one transaction', () => {
  it('parks that transaction with the error as its reason; the others of its claim are driven (E6)', async () => {
    const node = new Node();
    for (const gid of ['a', 'b', 'c', 'd']) await node.leave(gid);
    // No step has that number: the pattern throws.
    await node.leave('broken', { status: 'aborting', compensate: [99] });
    for (const gid of ['e', 'f']) await node.leave(gid);
    await node.engine.start();
    await node.clock.advance(5_000);
    for (const gid of ['a', 'b', 'c', 'd', 'e', 'f']) expect((await node.record(gid)).status).toBe('succeed');
    const broken = await node.record('broken');
    expect(broken).toMatchObject({ owner: null, attention: true, dueAtMs: null, status: 'aborting' });
    expect(viewOf(broken).state.parked).toMatch(/^internal error in broken: no branch with index/);
    expect(node.alerts).toMatchObject([{ gid: 'broken', error: expect.stringContaining('internal error') as string }]);
    expect(node.engine.load().inProgress).toBe(0);
  });

  it('is reported to the caller whose command caused it', async () => {
    const node = new Node();
    await node.leave('broken', { status: 'aborting', compensate: [99], parked: 'asleep' });
    await node.engine.start();
    await node.clock.advance(1_000);
    const refused = expect(node.engine.retryNow(context, 'broken')).rejects.toMatchObject({ code: 'internal' });
    await node.clock.advance(1_000);
    await refused;
  });
});

describe('a state that the store rejects', () => {
  const isLarge = (item: WriteItem): boolean => item.kind !== 'append' && item.state.length > 2_000;

  it('fails the command that led to it, and the transaction continues as before', async () => {
    const node = new Node();
    node.store.refuses = isLarge;
    let respond: (result: BranchResult) => void = quiet;
    node.results.set('s 01 action', () => new Promise((resolve) => (respond = resolve)));
    await node.engine.start();
    await node.engine.submit(context, submitted('s', 2));
    const abort = node.engine.abort(context, { gid: 's', reason: 'x'.repeat(3_000), byOperator: true });
    const refused = expect(abort).rejects.toMatchObject({ code: 'invalid' });
    await node.clock.advance(10);
    await refused;
    respond(SUCCESS);
    await node.clock.advance(10);
    expect(node.calls).toEqual(['s 01 action', 's 02 action']);
    expect((await node.record('s')).status).toBe('succeed');
  });

  it('gives a new transaction or a registered branch an error that excludes a retry', async () => {
    const node = new Node();
    node.results.set('tcc 01 confirm', never);
    await node.engine.start();
    await node.engine.prepare(context, { gid: 'tcc', pattern: 'tcc' });
    node.store.refuses = () => true;
    const isFinal = { code: 'invalid', message: expect.stringMatching(/an item is too large.*not stored$/) as string };
    await expect(node.engine.submit(context, submitted('s', 2))).rejects.toMatchObject(isFinal);
    const branch = { branchId: '01', op: 'confirm', url: 'http://a/b', payload: new Uint8Array() };
    const branches = [{ ...branch, status: 'prepared' as const }];
    const registered = node.engine.registerBranch(context, { gid: 'tcc', pattern: 'tcc', branches });
    await expect(registered).rejects.toMatchObject(isFinal);
  });

  it('parks the transaction when the result of a branch led to it, and a later abort compensates every step', async () => {
    const node = new Node({ progressFlushMs: 100 });
    node.store.refuses = isLarge;
    node.results.set('s 02 action', () =>
      Promise.resolve({ kind: 'UNKNOWN', reason: 'y'.repeat(3_000) } satisfies BranchResult),
    );
    await node.engine.start();
    await node.engine.submit(context, submitted('s', 3));
    await node.clock.advance(1_000);
    const parked = await node.record('s');
    expect(parked).toMatchObject({ owner: null, attention: true, dueAtMs: null, status: 'submitted' });
    expect(viewOf(parked).state).toMatchObject({
      parked: expect.stringContaining('the store did not accept the write') as string,
    });
    node.calls.length = 0;
    const aborted = node.engine.abort(context, { gid: 's', reason: 'enough', byOperator: true });
    await node.clock.advance(1_000);
    await aborted;
    const retried = node.engine.retryNow(context, 's');
    await node.clock.advance(1_000);
    await retried;
    expect(node.calls).toEqual(['s 03 compensate', 's 02 compensate', 's 01 compensate']);
  });

  it('is released repeatedly until that is durable, and the run stays in memory until then (E7, RL1)', async () => {
    const node = new Node();
    let respond: (result: BranchResult) => void = quiet;
    node.results.set('s 01 action', () => new Promise((resolve) => (respond = resolve)));
    await node.engine.start();
    await node.engine.submit(context, submitted('s', 2));
    await node.engine.submit(context, submitted('other', 1));
    node.results.set('s 01 action', () => Promise.resolve(SUCCESS));
    const running = await node.record('s');
    expect(running.owner).toBe('A.1');
    node.store.refuses = ({ key }) => key.gid === 's';
    // A write is needed: the call in progress never returns, and the store rejects an abort by the
    // operator.
    const abort = node.engine.abort(context, { gid: 's', reason: 'enough', byOperator: true });
    const refused = expect(abort).rejects.toMatchObject({ code: 'invalid' });
    await node.clock.advance(10_000);
    await refused;
    expect(node.engine.load().inProgress).toBe(1);
    expect(node.store.refused).toBeGreaterThan(3);
    node.store.refuses = () => false;
    await node.clock.advance(20_000);
    expect(await node.record('s')).toMatchObject({ owner: null, attention: true });
    respond(SUCCESS);
    await node.clock.advance(10);
    expect(node.engine.load().inProgress).toBe(0);
    expect((await node.record('other')).status).toBe('succeed');
  });

  it('parks the transaction, and a branch is not called again while its last call still runs', async () => {
    const node = new Node({ progressFlushMs: 100 });
    let respond: (result: BranchResult) => void = quiet;
    node.results.set('s 02 action', () => new Promise((resolve) => (respond = resolve)));
    await node.engine.start();
    await node.engine.submit(context, submitted('s', 2));
    // The first step's success cannot be written while the second is being called.
    node.store.refuses = ({ kind }) => kind === 'update';
    await node.clock.advance(1_000);
    node.store.refuses = () => false;
    await node.clock.advance(5_000);
    expect(await node.record('s')).toMatchObject({ owner: null, attention: true });
    const retried = node.engine.retryNow(context, 's');
    await node.clock.advance(10_000);
    expect(node.calls).toEqual(['s 01 action', 's 02 action']);
    respond({ kind: 'UNKNOWN', reason: 'reset' });
    node.results.delete('s 02 action');
    await node.clock.advance(1_000);
    await retried;
    await node.clock.advance(5_000);
    expect(node.calls).toEqual(['s 01 action', 's 02 action', 's 01 action', 's 02 action']);
    expect((await node.record('s')).status).toBe('succeed');
  });

  it.each<[read: string, stale: (latest: StoredTransaction) => StoredTransaction | undefined]>([
    ['before this node took the record', (latest) => ({ ...latest, owner: null, version: latest.version - 1 })],
    ['before the record was there', () => undefined],
  ])('is released also when the first read is older, %s (RL3)', async (_, stale) => {
    const node = new Node({ progressFlushMs: 100 });
    node.store.refuses = isLarge;
    node.results.set('s 02 action', () =>
      Promise.resolve({ kind: 'UNKNOWN', reason: 'y'.repeat(3_000) } satisfies BranchResult),
    );
    const get = node.store.get.bind(node.store);
    let older = 1;
    node.store.get = async (keys) => {
      const records = await get(keys);
      return records.map((record) => (record !== undefined && older-- > 0 ? stale(record) : record));
    };
    await node.engine.start();
    await node.engine.submit(context, submitted('s', 3));
    await node.clock.advance(5_000);
    expect(older).toBeLessThan(1);
    expect(await node.record('s')).toMatchObject({ owner: null, attention: true });
    expect(node.engine.load().inProgress).toBe(0);
  });
});

describe('a transaction that other writers keep changing', () => {
  it('stays in the hands of its node however many writes it loses (E3)', async () => {
    const node = new Node();
    await node.engine.start();
    let conflicts = 70;
    const write = node.store.write.bind(node.store);
    let respond: (result: BranchResult) => void = quiet;
    node.results.set('s 01 action', () => new Promise((resolve) => (respond = resolve)));
    await node.engine.submit(context, submitted('s', 1));
    const version = async (): Promise<number> => (await node.record('s')).version;
    node.store.write = async (batch) => {
      // A branch is registered, by another process, right before each of its writes.
      if (batch.some(({ kind }) => kind === 'update') && conflicts-- > 0) {
        const entries = [{ key: `order:retry:${conflicts}`, body: new Uint8Array(0) }];
        const key = { namespace: 'default', gid: 's' };
        await write([{ kind: 'append', key, whenStatus: ['submitted'], entries, maxEntries: 1_000 }]);
      }
      return write(batch);
    };
    respond(SUCCESS);
    await node.clock.advance(1_000);
    expect((await node.record('s')).owner).toBe('A.1');
    expect(node.engine.load().inProgress).toBe(1);
    await node.clock.advance(10_000);
    expect(await version()).toBeGreaterThan(70);
    expect(await node.record('s')).toMatchObject({ status: 'succeed', owner: null });
    expect(node.engine.load().inProgress).toBe(0);
  });
});
