import assert from 'node:assert/strict';
import type { WriteItem } from '@holdfast/core/store';
import { assertRejects, type CaseBody, type Cases, type Fixture } from './harness.ts';
import { appendOf, insertOf, openSession, read, updateOf, writeAll } from './items.ts';

const GIDS = ['a', 'b', 'c', 'd'];
/**
 * The other calls that a test makes while another client of the database has the record of `b`
 * locked.
 */
type HeldBody = (fixture: Fixture, release: () => Promise<void>) => Promise<void>;

/**
 * Half of the statement timeout: what fails later has not been ended by its own limit for locks.
 */
const SOON_MS = 15_000;

/** Rejects if the promise is not settled soon. */
async function soon<T>(promise: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`not settled within ${SOON_MS} ms`)), SOON_MS);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/**
 * A record that another client of the database has locked blocks no other record, and no session:
 * each call here returns while the lock is held.
 */
export function lockCases({ describe, it, manifest }: Cases): void {
  if (manifest.exclusive || !manifest.durable) return;
  const itWhileHeld = (name: string, prepare: CaseBody, body: HeldBody): void => {
    it(name, async (fixture) => {
      await prepare(fixture);
      const release = await fixture.place.holdRecord?.('b');
      let held = release !== undefined;
      const releaseOnce = async (): Promise<void> => {
        if (held) await release?.();
        held = false;
      };
      // Databases without locks have nothing to wait for.
      try {
        if (held) await body(fixture, releaseOnce);
      } finally {
        await releaseOnce();
      }
    });
  };

  describe('a record that another client has locked', () => {
    itWhileHeld(
      'is skipped by a claim, which takes the others; heartbeats continue',
      async ({ store }) => {
        await openSession(store, 'session');
        await writeAll(
          store,
          GIDS.map((gid, i) => insertOf(gid, { dueInMs: -9_000 + i })),
        );
      },
      async ({ store, secondNode }, release) => {
        const other = await secondNode();
        await openSession(other, 'other');
        const claim = store.claimDue({ session: 'session', limit: 2, groups: [] });
        const beats = [store.heartbeat('session'), other.heartbeat('other')];
        for (const { alive } of await Promise.all(beats)) assert.ok(alive);
        const first = await claim;
        assert.deepEqual(
          first.claimed.map(({ key }) => key.gid),
          ['a', 'c'],
        );
        const second = await other.claimDue({ session: 'other', limit: 9, groups: [] });
        assert.deepEqual(
          second.claimed.map(({ key }) => key.gid),
          ['d'],
        );
        await release();
        const third = await other.claimDue({ session: 'other', limit: 9, groups: [] });
        assert.deepEqual(
          third.claimed.map(({ key }) => key.gid),
          ['b'],
        );
      },
    );

    itWhileHeld(
      'is left out of a takeover, which releases the others',
      async ({ store }) => {
        await openSession(store, 'gone');
        await writeAll(
          store,
          GIDS.map((gid) => insertOf(gid, { owner: 'gone' })),
        );
      },
      async ({ store, secondNode }, release) => {
        const other = await secondNode();
        await openSession(other, 'other');
        await store.endSession('gone');
        const takeOver = { silenceMs: 60_000, keep: 'other', limit: 100 };
        assert.equal((await other.takeOver(takeOver)).released, 3);
        await release();
        assert.equal((await other.takeOver(takeOver)).released, 1);
      },
    );

    itWhileHeld(
      'is left out when others are made due',
      async ({ store }) => {
        await writeAll(
          store,
          GIDS.map((gid) => insertOf(gid, { dueInMs: 60_000 })),
        );
      },
      async ({ store }, release) => {
        const request = { namespace: 'default', laterThanMs: 0, limit: 100 };
        assert.equal((await store.makeDue(request)).count, 3);
        await release();
        assert.equal((await store.makeDue(request)).count, 1);
      },
    );

    itWhileHeld(
      'is left out of a purge, which deletes the others',
      async ({ store }) => {
        await writeAll(
          store,
          GIDS.map((gid) => insertOf(gid, { status: 'succeed' })),
        );
      },
      async ({ store, place }, release) => {
        place.passTime?.(10_000);
        assert.equal(await store.purge({ olderThanMs: 1, limit: 100 }), 3);
        await release();
        assert.equal(await store.purge({ olderThanMs: 1, limit: 100 }), 1);
      },
    );

    itWhileHeld(
      'is left out of a batch: its item is blocked, the others are applied, and later batches do not wait for it',
      async ({ store }) => {
        await writeAll(
          store,
          GIDS.map((gid) => insertOf(gid)),
        );
      },
      async ({ store }, release) => {
        const blocked = updateOf('b', 1);
        const kinds = async (...items: readonly WriteItem[]): Promise<string[]> =>
          (await store.write(items)).map(({ kind }) => kind);
        assert.deepEqual(await kinds(updateOf('a', 1), blocked, appendOf('c', ['e']), insertOf('e')), [
          'applied',
          'blocked',
          'applied',
          'applied',
        ]);
        assert.deepEqual(await kinds(updateOf('a', 2), blocked), ['applied', 'blocked']);
        assert.deepEqual(await kinds(appendOf('b', ['e']), updateOf('d', 1)), ['blocked', 'applied']);
        assert.equal((await read(store, 'b')).version, 1);
        await release();
        assert.deepEqual(await kinds(updateOf('a', 3), blocked), ['applied', 'applied']);
        assert.equal((await store.count()).byStatus.submitted, 5);
      },
    );
  });

  describe('key-values that another client has locked', () => {
    it('fail a change soon, block nothing else in the meantime, and can be changed afterwards', async ({
      store,
      place,
    }) => {
      await openSession(store, 'session');
      const id = { namespace: 'default', category: 'topics', key: 'held' };
      assert.equal(await store.kvPut(id, 'first', 0), 'applied');
      const release = await place.holdKeyValues?.();
      // Databases without locks have nothing to wait for.
      if (release === undefined) return;
      try {
        const change = soon(assertRejects(store.kvPut(id, 'second', 1), 'unavailable'));
        const remove = soon(assertRejects(store.kvDelete(id, 1), 'unavailable'));
        await writeAll(store, [insertOf('a')]);
        assert.ok((await store.heartbeat('session')).alive);
        await Promise.all([change, remove]);
        assert.equal((await store.kvGet(id))?.value, 'first');
        assert.equal((await store.list({ namespace: 'default', limit: 10 })).items.length, 1);
      } finally {
        await release();
      }
      assert.equal(await store.kvPut(id, 'second', 1), 'applied');
    });
  });

  describe('a session that another client has locked', () => {
    it('fails its own heartbeat soon, and blocks no other call of any node', async ({ store, place, secondNode }) => {
      const [held, session] = [await openSession(store, 'held'), 'session'];
      const other = await secondNode();
      await openSession(other, session);
      await writeAll(
        store,
        GIDS.map((gid, i) => insertOf(gid, { dueInMs: -9_000 + i })),
      );
      const release = await place.holdSession?.(held);
      // Databases without locks have nothing to wait for.
      if (release === undefined) return;
      try {
        // The connection for sessions has a shorter timeout; the outcome may then be unknown.
        const beat = soon(assert.rejects(store.heartbeat(held)));
        let beating = true;
        const settled = beat.finally(() => (beating = false));
        assert.ok((await other.heartbeat(session)).alive);
        const first = await other.claimDue({ session, limit: 1, groups: [] });
        const second = await store.claimDue({ session: held, limit: 1, groups: [] });
        const claimed = [...first.claimed, ...second.claimed].map(({ key }) => key.gid);
        assert.deepEqual(claimed, ['a', 'b']);
        await openSession(other, 'new');
        await writeAll(other, [insertOf('e'), insertOf('f', { owner: 'ended' })]);
        assert.equal((await other.takeOver({ silenceMs: 600_000, keep: session, limit: 10 })).released, 1);
        await other.endSession('new');
        assert.ok(beating, 'a call waited until the heartbeat had failed');
        await settled;
      } finally {
        await release();
      }
      assert.ok((await store.heartbeat(held)).alive);
    });
  });

  describe('tables that another client has locked', () => {
    it('fail each call soon, without a doubt about it, and are used again afterwards', async ({ store, place }) => {
      await openSession(store, 'session');
      await writeAll(store, [insertOf('a', { dueInMs: -1 })]);
      const id = { namespace: 'default', category: 'topics', key: 'held' };
      const release = await place.holdTables?.();
      if (release === undefined) return;
      try {
        const calls: readonly Promise<unknown>[] = [
          store.write([insertOf('b'), updateOf('a', 1)]),
          store.claimDue({ session: 'session', limit: 10, groups: [] }),
          store.kvPut(id, 'first', 0),
        ];
        // The connection for sessions has a shorter timeout; the outcome may then be unknown.
        const beat = soon(assert.rejects(store.heartbeat('session')));
        await Promise.all([beat, ...calls.map((call) => soon(assertRejects(call, 'unavailable')))]);
      } finally {
        await release();
      }
      // No abandoned write is carried out later.
      assert.deepEqual(
        (await store.list({ namespace: 'default', limit: 10 })).items.map(({ key, version }) => [key.gid, version]),
        [['a', 1]],
      );
      assert.equal(await store.kvGet(id), undefined);
      assert.equal((await store.claimDue({ session: 'session', limit: 10, groups: [] })).claimed.length, 1);
      await writeAll(store, [insertOf('b')]);
    });
  });

  describe('a record that another client has inserted and not committed', () => {
    it('is left out of a batch: its insert is blocked, the others are applied, and later batches do not wait for it', async ({
      store,
      place,
    }) => {
      await writeAll(store, [insertOf('a')]);
      const rollBack = await place.holdInsert?.('new', 'a');
      // Databases without open transactions have nothing to wait for.
      if (rollBack === undefined) return;
      const blocked = insertOf('new');
      const kinds = async (...items: readonly WriteItem[]): Promise<string[]> =>
        (await store.write(items)).map(({ kind }) => kind);
      try {
        assert.deepEqual(await kinds(updateOf('a', 1), blocked, insertOf('b'), insertOf('z')), [
          'applied',
          'blocked',
          'applied',
          'applied',
        ]);
        assert.deepEqual(await kinds(blocked, updateOf('a', 2)), ['blocked', 'applied']);
        assert.deepEqual(await kinds(blocked), ['blocked']);
        assert.equal((await store.count()).byStatus.submitted, 3);
      } finally {
        await rollBack();
      }
      assert.deepEqual(await kinds(blocked, updateOf('b', 1)), ['applied', 'applied']);
      assert.equal((await store.count()).byStatus.submitted, 4);
    });
  });
}
