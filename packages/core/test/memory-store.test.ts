import { storeSuite } from '@holdfast/conformance';
import { describe, it } from 'vitest';
import { CheckedStore, MemoryStore } from '../src/index.ts';

storeSuite({
  name: 'memory',
  test: { describe, it },
  manifest: { durable: false, exclusive: false, controllableClock: true, formats: [] },
  async createPlace() {
    let wallMs = 1_700_000_000_000;
    let monotonicMs = 1_000;
    const memory = new MemoryStore(
      () => wallMs,
      () => monotonicMs,
    );
    return {
      createStore: () => new CheckedStore(memory),
      moveWallClock: (byMs) => void (wallMs += byMs),
      passTime: (byMs) => {
        wallMs += byMs;
        monotonicMs += byMs;
      },
      remove: async () => undefined,
    };
  },
});
