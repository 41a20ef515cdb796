import { storeSuite } from '@holdfast/conformance';
import { describe, it } from 'vitest';
import { MemoryStore } from '../../src/memory-store/memory-store.ts';
import { CheckedStore } from '../../src/store/index.ts';

storeSuite({
  name: 'memory',
  test: { describe, it },
  manifest: {
    durable: false,
    exclusive: false,
    controllableClock: true,
    formats: [],
    damagedParts: ['state'],
    damagedHeads: [],
  },
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
      // Bodies are bytes to this store: one that is damaged is written like any other.
      damage: async (gid, damage) => {
        const [record] = await memory.get([{ namespace: 'default', gid }]);
        if (record === undefined || damage.part === 'head') throw new Error('there is nothing to damage');
        const { key, status, owner, attention, dueAtMs, version } = record;
        const state = damage.change(record.state) ?? new Uint8Array(0);
        const dueInMs = dueAtMs === null ? null : dueAtMs - wallMs;
        const settings = { key, status, owner, attention, dueInMs, state };
        await memory.write([{ kind: 'update', ...settings, writeId: `damage ${gid}`, expectVersion: version }]);
      },
      remove: async () => undefined,
    };
  },
});
