import assert from 'node:assert/strict';
import type { Cases } from './harness.ts';
import { insertOf, openSession, read, writeAll } from './items.ts';

/** Only the store's clock decides what is due, and it never goes backwards. */
export function timeCases({ describe, it, manifest }: Cases): void {
  describe('time', () => {
    it('does not go backwards between calls', async ({ store }) => {
      let last = 0;
      for (let i = 0; i < 20; i++) {
        await writeAll(store, [insertOf(`gid-${i}`)]);
        const { createdAtMs } = await read(store, `gid-${i}`);
        const now = await store.nowMs();
        assert.ok(createdAtMs >= last && now >= createdAtMs);
        last = now;
      }
    });

    if (manifest.controllableClock) {
      it('makes due what it was told to, when the time has come', async ({ store, place }) => {
        const session = await openSession(store, 'session 1');
        await writeAll(store, [insertOf('a', { dueInMs: 1_000 })]);
        place.moveWallClock?.(999);
        const early = await store.claimDue({ session, limit: 1, groups: [] });
        assert.deepEqual([early.claimed, early.nextDueInMs], [[], 1]);
        place.moveWallClock?.(1);
        assert.equal((await store.claimDue({ session, limit: 1, groups: [] })).claimed.length, 1);
      });

      it('stands still when the wall clock jumps back', async ({ store, place }) => {
        await writeAll(store, [insertOf('a')]);
        const { createdAtMs } = await read(store, 'a');
        place.moveWallClock?.(-3_600_000);
        assert.equal(await store.nowMs(), createdAtMs);
        await writeAll(store, [insertOf('b', { dueInMs: -1 })]);
        assert.equal((await read(store, 'b')).createdAtMs, createdAtMs);
        const session = await openSession(store, 'session 1');
        assert.equal((await store.claimDue({ session, limit: 10, groups: [] })).claimed.length, 2);
      });

      if (manifest.durable)
        it('stands still when the wall clock jumped back while it was closed', async ({ store, place, reopen }) => {
          await writeAll(store, [insertOf('a')]);
          const { createdAtMs } = await read(store, 'a');
          await store.close();
          place.moveWallClock?.(-3_600_000);
          const again = await reopen();
          assert.ok((await again.nowMs()) >= createdAtMs);
          await writeAll(again, [insertOf('b')]);
          assert.ok((await read(again, 'b')).createdAtMs >= createdAtMs);
        });
    }
  });
}
