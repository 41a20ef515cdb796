import { describe, expect, it } from 'vitest';
import type { BranchRequest } from '../../src/environment.ts';
import { Engine } from '../../src/engine/index.ts';
import { MemoryStore } from '../../src/memory-store/memory-store.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { CONTEXT } from './support/insistent-client.ts';

const INTERVAL_MS = 9_000;
const PERIOD_MS = INTERVAL_MS / 3;
const HOUR_MS = 3_600_000;

/** One node over a store whose wall clock can be set, and a workflow whose code is running. */
async function begin() {
  const clock = new ManualClock();
  const callbacks: number[] = [];
  const quiet = (): void => {};
  let ids = 0;
  let aheadMs = 0;
  const engine = new Engine(
    {
      store: new MemoryStore(
        () => clock.wallMs() + aheadMs,
        () => clock.monotonicMs(),
      ),
      clock,
      random: () => 0,
      identities: { newGid: () => 'unused', newSession: () => `s${++ids}` },
      caller: {
        call: ({ branchId }: BranchRequest) => {
          if (branchId === '00') callbacks.push(clock.monotonicMs());
          return Promise.resolve({ kind: 'ONGOING', reason: 'still running' } as const);
        },
        destinationOf: () => 'client',
      },
      logger: { debug: quiet, info: quiet, warn: quiet, error: quiet },
    },
    { retryIntervalMs: INTERVAL_MS, heartbeatMs: 5_000, silenceMs: 15_000, pollMs: 1_000 },
  );
  await engine.start();
  await engine.prepareWorkflow(CONTEXT, {
    gid: 'g',
    pattern: 'workflow',
    workflowName: 'w',
    queryPrepared: 'http://client/w',
    heartbeats: true,
  });
  const live = async (periods: number): Promise<void> => {
    for (let i = 0; i < periods; i++) {
      await clock.advance(PERIOD_MS);
      await engine.heartbeat(CONTEXT, 'g');
    }
  };
  const setStore = (byMs: number): void => void (aheadMs += byMs);
  return { clock, engine, callbacks, live, setStore };
}

describe('the clock of the store is set while the code of a workflow sends heartbeats', () => {
  // Around the time when the callback would be due, and far beyond; and before and after the node
  // has learned the time from the store.
  const jumps = [1_000, INTERVAL_MS - 1_000, INTERVAL_MS, INTERVAL_MS + 1_000, 3 * INTERVAL_MS, HOUR_MS];

  it.each(jumps)('forward by %i ms: no callback starts beside the live code', async (jumpMs) => {
    for (let afterMs = 0; afterMs < PERIOD_MS; afterMs += 1_000) {
      const { clock, engine, callbacks, live, setStore } = await begin();
      await live(4);
      await clock.advance(afterMs);
      setStore(jumpMs);
      await live(6);
      expect([afterMs, callbacks]).toEqual([afterMs, []]);
      await engine.drain(1);
    }
  });

  it.each([...jumps, -1_000, -INTERVAL_MS, -HOUR_MS])(
    'by %i ms: the callback starts within two intervals after the last heartbeat',
    async (jumpMs) => {
      const { clock, engine, callbacks, live, setStore } = await begin();
      await live(4);
      setStore(jumpMs);
      await live(4);
      const lastMs = clock.monotonicMs();
      await clock.advance(2 * INTERVAL_MS + 2_000);
      expect(callbacks.length).toBeGreaterThan(0);
      expect((callbacks[0] ?? 0) - lastMs).toBeGreaterThan(INTERVAL_MS - 1_000);
      await engine.drain(1);
    },
  );

  it('back by an hour: no callback starts beside the live code', async () => {
    const { engine, callbacks, live, setStore } = await begin();
    await live(4);
    setStore(-HOUR_MS);
    await live(6);
    expect(callbacks).toEqual([]);
    await engine.drain(1);
  });
});
