import { type BranchResult, SUCCESS } from '@holdfast/protocol';
import { describe, expect, it } from 'vitest';
import { Engine } from '../../src/engine/index.ts';
import { MemoryStore } from '../../src/memory-store/memory-store.ts';
import { StoreError, type WriteItem, type WriteOutcome } from '../../src/store/index.ts';
import { CREATED_AT_MS, saga } from '../patterns/support/definitions.ts';
import { ManualClock } from '../support/manual-clock.ts';

const context = { principal: { id: 'test', roles: [] }, namespace: 'default' };
const quiet = (): void => {};

/**
 * How node A's writes end; `unknown`: the next one is applied and its response lost, and
 * afterwards the store is away.
 */
type Writes = 'applied' | 'rejected' | 'unknown' | 'none';

/** Node A's access to the store that all nodes share. */
class StoreOfA extends MemoryStore {
  writes: Writes = 'applied';

  override async write(batch: readonly WriteItem[]): Promise<WriteOutcome[]> {
    switch (this.writes) {
      case 'applied':
        return super.write(batch);
      case 'rejected':
        throw new StoreError('rejected', 'a trigger refuses it');
      case 'none':
        throw new StoreError('unavailable', 'away');
      case 'unknown':
        this.writes = 'none';
        await super.write(batch);
        throw new StoreError('outcome_unknown', 'the response was lost');
    }
  }
}

/**
 * Two nodes with a saga of two steps: A has parked it, and its call of the second step is still in
 * flight.
 */
class World {
  readonly clock = new ManualClock();
  readonly store = new StoreOfA(() => CREATED_AT_MS + this.clock.monotonicMs());
  /** Calls made, in order. */
  readonly calls: string[] = [];
  endCallOfA: (result: BranchResult) => void = quiet;
  #isFirstOfA = true;
  readonly a = this.node('A', (op) => {
    if (op !== '02 action' || !this.#isFirstOfA) return Promise.resolve(SUCCESS);
    this.#isFirstOfA = false;
    return new Promise((resolve) => (this.endCallOfA = resolve));
  });

  node(name: string, respond: (op: string) => Promise<BranchResult>): Engine {
    return new Engine(
      {
        store: name === 'A' ? this.store : this.#plainStore(),
        clock: this.clock,
        random: () => 0,
        identities: { newGid: () => 'unused', newSession: () => `${name}.1` },
        caller: {
          destinationOf: () => 'everywhere',
          call: ({ branchId, op }) => {
            this.calls.push(`${name} ${branchId} ${op}`);
            return respond(`${branchId} ${op}`);
          },
        },
        logger: { debug: quiet, info: quiet, warn: quiet, error: quiet },
      },
      { node: name, retentionMs: 0, retryIntervalMs: 3_000, progressFlushMs: 100, requestTimeoutMs: 60_000 },
    );
  }

  /** The same records, without A's faults. */
  #plainStore(): MemoryStore {
    return new Proxy(this.store, {
      get: (store, name) => {
        if (name === 'write') return (batch: readonly WriteItem[]) => MemoryStore.prototype.write.call(store, batch);
        const value: unknown = Reflect.get(store, name);
        return typeof value === 'function' ? (value.bind(store) as unknown) : value;
      },
    });
  }

  async record() {
    const [record] = await this.store.get([{ namespace: 'default', gid: 's' }]);
    if (record === undefined) throw new Error('no record');
    return record;
  }

  /**
   * A parks the saga; `park`: how the write that parks it ends. Another node drives the saga for a
   * moment and stops.
   */
  async parkAndRetryElsewhere(park: 'applied' | 'unknown'): Promise<void> {
    await this.a.start();
    const { steps, payloads } = saga(2);
    await this.a.submit(context, { gid: 's', pattern: 'saga', steps, payloads });
    this.store.writes = 'rejected';
    await this.clock.advance(150);
    this.store.writes = park;
    await this.clock.advance(1_000);
    expect(await this.record()).toMatchObject({ owner: null, attention: true });
    const b = this.node('B', (op) =>
      Promise.resolve(op === '02 action' ? { kind: 'UNKNOWN', reason: 'busy' } : SUCCESS),
    );
    await b.start();
    await b.retryNow(context, 's');
    await this.clock.advance(500);
    await b.drain(0);
    this.store.writes = 'applied';
    await this.clock.advance(10_000);
    expect(await this.record()).toMatchObject({ owner: 'A.1' });
  }
}

describe('a claim of a parked transaction whose call is still in flight here', () => {
  it('is driven when that call has ended, although the response to the write that parked it was lost', async () => {
    const world = new World();
    await world.parkAndRetryElsewhere('unknown');
    world.endCallOfA({ kind: 'UNKNOWN', reason: 'timed out' });
    await world.clock.advance(60_000);
    expect((await world.record()).status).toBe('succeed');
    expect(world.a.load().inProgress).toBe(0);
  });

  it('calls nothing when the transaction was force-stopped in the meantime', async () => {
    const world = new World();
    await world.parkAndRetryElsewhere('applied');
    const c = world.node('C', () => Promise.resolve(SUCCESS));
    await c.start();
    await c.forceStop(context, { gid: 's', reason: 'INC-7' });
    await world.clock.advance(20_000);
    world.calls.length = 0;
    world.endCallOfA({ kind: 'UNKNOWN', reason: 'timed out' });
    await world.clock.advance(60_000);
    expect(world.calls).toEqual([]);
    expect((await world.record()).status).toBe('failed');
    expect(world.a.load().inProgress).toBe(0);
  });
});
