import assert from 'node:assert/strict';
import type { Cases } from './harness.ts';
import { insertOf, openSession, read, writeAll } from './items.ts';

const HOUR_MS = 3_600_000;

/** Only the store's clock decides what is due. It never goes back, and never stops. */
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
      it('makes a transaction due at its due time', async ({ store, place }) => {
        const session = await openSession(store, 'session 1');
        await writeAll(store, [insertOf('a', { dueInMs: 1_000 })]);
        place.moveWallClock?.(999);
        const early = await store.claimDue({ session, limit: 1, groups: [] });
        assert.deepEqual([early.claimed, early.nextDueInMs], [[], 1]);
        place.moveWallClock?.(1);
        assert.equal((await store.claimDue({ session, limit: 1, groups: [] })).claimed.length, 1);
      });

      it('does not go back when the wall clock is set back', async ({ store, place }) => {
        await writeAll(store, [insertOf('a')]);
        const { createdAtMs } = await read(store, 'a');
        place.moveWallClock?.(-HOUR_MS);
        assert.equal(await store.nowMs(), createdAtMs);
        await writeAll(store, [insertOf('b', { dueInMs: -1 })]);
        assert.equal((await read(store, 'b')).createdAtMs, createdAtMs);
        const session = await openSession(store, 'session 1');
        assert.equal((await store.claimDue({ session, limit: 10, groups: [] })).claimed.length, 2);
      });

      it('continues at its pace when the wall clock is set back: what waits becomes due, the silent are ended', async ({
        store,
        place,
      }) => {
        const session = await openSession(store, 'session 1');
        await openSession(store, 'silent');
        await writeAll(store, [insertOf('a', { dueInMs: 10_000 })]);
        const { createdAtMs } = await read(store, 'a');
        place.moveWallClock?.(-HOUR_MS);
        place.passTime?.(10_000);
        const early = await store.claimDue({ session, limit: 1, groups: [] });
        assert.deepEqual(early.claimed, []);
        assert.ok(early.nextDueInMs !== null && early.nextDueInMs > 0 && early.nextDueInMs <= 100);
        place.passTime?.(200);
        const { nowMs } = await store.heartbeat(session);
        assert.ok(nowMs >= createdAtMs + 10_000 && nowMs <= createdAtMs + 10_200);
        assert.equal((await store.claimDue({ session, limit: 1, groups: [] })).claimed.length, 1);
        const { ended } = await store.takeOver({ silenceMs: 10_000, keep: session, limit: 1 });
        assert.deepEqual(ended, ['silent']);
      });

      it('does not run ahead once the wall clock is right again', async ({ store, place }) => {
        await writeAll(store, [insertOf('a')]);
        const { createdAtMs } = await read(store, 'a');
        place.moveWallClock?.(-HOUR_MS);
        place.passTime?.(60_000);
        await store.nowMs();
        place.moveWallClock?.(HOUR_MS);
        assert.equal(await store.nowMs(), createdAtMs + 60_000);
      });

      it('nodes agree on the time after the wall clock was set back', async ({ store, place, secondNode }) => {
        const other = await secondNode();
        const session = await openSession(store, 'session 1');
        const others = await openSession(other, 'session 2');
        place.passTime?.(5_000);
        const { nowMs } = await store.heartbeat(session);
        place.moveWallClock?.(-HOUR_MS);
        // The other node has not read the time for a whole heartbeat interval.
        assert.ok((await other.heartbeat(others)).nowMs >= nowMs);
        place.passTime?.(5_000);
        const times = [(await store.heartbeat(session)).nowMs, (await other.heartbeat(others)).nowMs];
        for (const time of times) assert.ok(time >= nowMs + 4_950 && time <= nowMs + 5_000);
      });

      if (manifest.durable)
        it('continues from where it was when the wall clock was set back while it was closed', async ({
          store,
          place,
          reopen,
        }) => {
          await writeAll(store, [insertOf('a', { dueInMs: 10_000 })]);
          const { createdAtMs } = await read(store, 'a');
          await store.close();
          place.moveWallClock?.(-HOUR_MS);
          const again = await reopen();
          assert.ok((await again.nowMs()) >= createdAtMs);
          await writeAll(again, [insertOf('b')]);
          assert.ok((await read(again, 'b')).createdAtMs >= createdAtMs);
          place.passTime?.(10_200);
          const session = await openSession(again, 'session 2');
          assert.equal((await again.claimDue({ session, limit: 1, groups: [] })).claimed.length, 1);
        });
    }
  });
}
