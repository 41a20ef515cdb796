import { storeSuite } from '@holdfast/conformance';
import { describe, it } from 'vitest';
import { CheckedStore, MemoryStore } from '../src/index.ts';

storeSuite({
  name: 'memory',
  test: { describe, it },
  manifest: { durable: false, exclusive: false, controllableClock: true, formats: [] },
  async createPlace() {
    let wallMs = 1_700_000_000_000;
    const memory = new MemoryStore(() => wallMs);
    return {
      createStore: () => new CheckedStore(memory),
      moveWallClock: (byMs) => void (wallMs += byMs),
      remove: async () => undefined,
    };
  },
});
