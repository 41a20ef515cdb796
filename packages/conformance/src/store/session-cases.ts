import assert from 'node:assert/strict';
import { assertRejects, type Cases } from './harness.ts';
import { insertOf, keyOf, openSession, read, updateOf, writeAll } from './items.ts';

const NEVER_SILENT = 600_000;

/** Sessions that start, stay alive and end, and the release of what they owned. */
export function sessionCases(cases: Cases): void {
  cases.describe('sessions', () => {
    lifeCases(cases);
    takeOverCases(cases);
    reopenCases(cases);
  });
}

function lifeCases({ it, manifest }: Cases): void {
  it('lists the live sessions', async ({ store }) => {
    const before = await store.nowMs();
    await store.openSession('node-1#abc', { node: 'host-1:77', version: '1.2.3' });
    await openSession(store, 'session 2');
    await store.endSession('session 2');
    const [row, ...others] = await store.sessions();
    assert.deepEqual(others, []);
    assert.deepEqual([row?.session, row?.node, row?.version], ['node-1#abc', 'host-1:77', '1.2.3']);
    assert.ok(row !== undefined && row.startedAtMs >= before && row.heartbeatAtMs === row.startedAtMs);
  });

  it('counts the records that each live session owns', async ({ store }) => {
    const [one, two] = [await openSession(store, 'session 1'), await openSession(store, 'session 2')];
    const owned = async (): Promise<(readonly [string, number])[]> =>
      (await store.sessions()).map((row) => [row.session, row.owned] as const).toSorted(([a], [b]) => (a < b ? -1 : 1));
    assert.deepEqual(await owned(), [
      [one, 0],
      [two, 0],
    ]);
    await writeAll(store, [
      insertOf('a', { owner: one }),
      insertOf('b', { owner: one }),
      insertOf('orphaned', { owner: 'session 3' }),
      insertOf('waits', { dueInMs: -1 }),
      insertOf('finished', { status: 'succeed', owner: one }),
    ]);
    await store.claimDue({ session: two, limit: 1, groups: [] });
    assert.deepEqual(await owned(), [
      [one, 2],
      [two, 1],
    ]);
    await writeAll(store, [
      updateOf('a', 1, { status: 'succeed', owner: one }),
      updateOf('waits', 2, { owner: null, dueInMs: 60_000 }),
    ]);
    assert.deepEqual(await owned(), [
      [one, 1],
      [two, 0],
    ]);
  });

  it('a heartbeat returns that the session is alive, and the time', async ({ store }) => {
    const session = await openSession(store, 'session 1');
    const before = await store.nowMs();
    const { alive, nowMs } = await store.heartbeat(session);
    assert.equal(alive, true);
    assert.ok(nowMs >= before && nowMs <= (await store.nowMs()));
    assert.deepEqual(await store.heartbeat('nobody').then((beat) => beat.alive), false);
  });

  it('accepts a session that is registered twice, as after a lost response', async ({ store }) => {
    await openSession(store, 'session 1');
    await openSession(store, 'session 1');
    assert.deepEqual((await store.heartbeat('session 1')).alive, true);
    assert.equal((await store.sessions()).length, 1);
  });

  it('never revives an ended session', async ({ store }) => {
    const [ended, taken, kept] = ['ended', 'taken', 'kept'];
    for (const session of [ended, taken, kept]) await openSession(store, session);
    await store.endSession(ended);
    const { ended: silent } = await store.takeOver({ silenceMs: -1, keep: kept, limit: 10 });
    assert.deepEqual(silent, [taken]);
    await writeAll(store, [insertOf('a', { dueInMs: -1 })]);
    for (const session of [ended, taken]) {
      assert.equal((await store.heartbeat(session)).alive, false);
      assert.deepEqual(await store.claimDue({ session, limit: 1, groups: [] }), {
        claimed: [],
        nextDueInMs: null,
        sessionEnded: true,
      });
      await assertRejects(openSession(store, session), 'invalid');
    }
    assert.equal((await store.heartbeat(kept)).alive, true);
    assert.deepEqual(
      (await store.sessions()).map((row) => row.session),
      [kept],
    );
  });

  it('returns with each heartbeat the one before, also of an ended session, and null where there is no session', async ({
    store,
  }) => {
    assert.equal((await store.heartbeat('unknown')).lastMs, null);
    await openSession(store, 'session 1');
    const keeper = await openSession(store, 'keeper');
    const [row] = (await store.sessions()).filter(({ session }) => session === 'session 1');
    const first = await store.heartbeat('session 1');
    assert.equal(first.lastMs, row?.heartbeatAtMs);
    const second = await store.heartbeat('session 1');
    assert.equal(second.lastMs, first.nowMs);
    await store.endSession('session 1');
    const ended = await store.heartbeat('session 1');
    assert.deepEqual([ended.alive, ended.lastMs], [false, second.nowMs]);
    const last = await store.heartbeat(keeper);
    await store.takeOver({ silenceMs: -1, keep: 'nobody', limit: 1 });
    assert.equal((await store.heartbeat(keeper)).lastMs, last.nowMs);
  });

  it('rejects a claim by an unknown session, also when nothing is due', async ({ store }) => {
    assert.equal((await store.claimDue({ session: 'nobody', limit: 1, groups: [] })).sessionEnded, true);
  });

  if (manifest.controllableClock)
    it('ends a session that was silent for longer than the limit, by the time of the store', async ({
      store,
      place,
    }) => {
      for (const session of ['silent', 'beating', 'keeper']) await openSession(store, session);
      place.moveWallClock?.(10_000);
      await store.heartbeat('beating');
      place.moveWallClock?.(5_000);
      assert.deepEqual((await store.takeOver({ silenceMs: 15_000, keep: 'keeper', limit: 1 })).ended, []);
      place.moveWallClock?.(1);
      assert.deepEqual((await store.takeOver({ silenceMs: 15_000, keep: 'keeper', limit: 1 })).ended, ['silent']);
    });

  it('ends a session reported as unchanged only if its last heartbeat is the reported one', async ({
    store,
    place,
  }) => {
    for (const session of ['silent', 'beating', 'unseen', 'keeper']) await openSession(store, session);
    const rows = await store.sessions();
    const latestMs = Math.max(...rows.map(({ heartbeatAtMs }) => heartbeatAtMs));
    place.moveWallClock?.(1);
    while ((await store.heartbeat('beating')).nowMs <= latestMs);
    const unchanged = rows.filter(({ session }) => session !== 'unseen');
    const takeOver = async (seen: typeof rows) =>
      (await store.takeOver({ silenceMs: -1, unchanged: seen, keep: 'keeper', limit: 1 })).ended;
    assert.deepEqual(await takeOver([]), []);
    assert.deepEqual(await takeOver(unchanged), ['silent']);
    assert.deepEqual(await takeOver(unchanged), []);
    const living = (await store.sessions()).map(({ session }) => session).toSorted();
    assert.deepEqual(living, ['beating', 'keeper', 'unseen']);
    const latest = await store.sessions();
    assert.deepEqual((await takeOver(latest)).toSorted(), ['beating', 'unseen']);
  });

  it('ends no unchanged session before the silence limit has passed by the time of the store as well', async ({
    store,
  }) => {
    for (const session of ['silent', 'keeper']) await openSession(store, session);
    const unchanged = await store.sessions();
    const request = { silenceMs: NEVER_SILENT, unchanged, keep: 'keeper', limit: 1 };
    assert.deepEqual((await store.takeOver(request)).ended, []);
  });

  it('claims nothing for a session that ends at the same time, or claims before it has ended', async ({
    store,
    secondNode,
  }) => {
    const other = await secondNode();
    for (let round = 0; round < 5; round++) {
      const session = await openSession(store, `session ${round}`);
      await writeAll(
        store,
        Array.from({ length: 120 }, (_, i) => insertOf(`gid-${round}-${i}`, { dueInMs: -1 })),
      );
      const [result] = await Promise.all([
        store.claimDue({ session, limit: 100, groups: [] }),
        other.endSession(session),
      ]);
      assert.ok(!result.sessionEnded || result.claimed.length === 0);
    }
  });
}

function takeOverCases({ it }: Cases): void {
  it('releases the records of ended sessions: due at once, version incremented, claims kept', async ({ store }) => {
    const [session, keeper] = [await openSession(store, 'session 1'), await openSession(store, 'keeper')];
    await writeAll(store, [insertOf('claimed', { dueInMs: -1 })]);
    await store.claimDue({ session, limit: 1, groups: [] });
    await writeAll(store, [
      insertOf('inserted', { owner: session, group: 'shop' }),
      insertOf('orphaned', { owner: 'never registered' }),
      insertOf('alive', { owner: keeper }),
      insertOf('parked', { dueInMs: null }),
      insertOf('finished', { status: 'succeed', owner: session }),
    ]);
    await store.endSession(session);
    const before = await read(store, 'claimed');
    assert.deepEqual(await store.takeOver({ silenceMs: NEVER_SILENT, keep: keeper, limit: 10 }), {
      ended: [],
      released: 3,
      more: false,
    });
    const after = await read(store, 'claimed');
    assert.deepEqual([after.owner, after.version, after.claims], [null, before.version + 1, 1]);
    assert.equal(after.dueAtMs, after.updatedAtMs);
    assert.equal((await read(store, 'alive')).owner, keeper);
    const { claimed } = await store.claimDue({ session: keeper, limit: 10, groups: ['shop'] });
    assert.deepEqual(claimed.map((record) => `${record.key.gid}: ${record.claims}`).toSorted(), [
      'claimed: 2',
      'inserted: 2',
      'orphaned: 2',
    ]);
  });

  it('releases nothing that a live session owns', async ({ store }) => {
    const [one, two] = [await openSession(store, 'session 1'), await openSession(store, 'session 2')];
    await writeAll(store, [insertOf('a', { owner: one }), insertOf('b', { owner: two })]);
    assert.deepEqual(await store.takeOver({ silenceMs: NEVER_SILENT, keep: one, limit: 10 }), {
      ended: [],
      released: 0,
      more: false,
    });
  });

  it('never ends the session that takes over, however silent it is', async ({ store }) => {
    const [one, two] = [await openSession(store, 'session 1'), await openSession(store, 'session 2')];
    await writeAll(store, [insertOf('a', { owner: one }), insertOf('b', { owner: two })]);
    assert.deepEqual(await store.takeOver({ silenceMs: -1, keep: one, limit: 10 }), {
      ended: [two],
      released: 1,
      more: false,
    });
    assert.deepEqual([(await read(store, 'a')).owner, (await read(store, 'b')).owner], [one, null]);
  });

  it('releases at most its limit per call and reports whether there are more', async ({ store }) => {
    const keeper = await openSession(store, 'keeper');
    await writeAll(
      store,
      Array.from({ length: 25 }, (_, i) => insertOf(`gid-${i}`, { owner: `gone ${i % 3}` })),
    );
    const results = [];
    for (let i = 0; i < 4; i++) {
      const { released, more } = await store.takeOver({ silenceMs: NEVER_SILENT, keep: keeper, limit: 10 });
      results.push([released, more]);
    }
    assert.deepEqual(results, [
      [10, true],
      [10, true],
      [5, false],
      [0, false],
    ]);
    assert.equal((await store.claimDue({ session: keeper, limit: 100, groups: [] })).claimed.length, 25);
  });

  it('does not release the records of sessions opened during the takeover', async ({ store, secondNode }) => {
    const other = await secondNode();
    const keeper = await openSession(store, 'keeper');
    const opened = new AbortController();
    const takeOvers = (async () => {
      let released = 0;
      while (!opened.signal.aborted)
        released += (await store.takeOver({ silenceMs: NEVER_SILENT, keep: keeper, limit: 10 })).released;
      return released;
    })();
    for (let i = 0; i < 60; i++)
      await writeAll(other, [insertOf(`gid-${i}`, { owner: await openSession(other, `session ${i}`) })]);
    opened.abort();
    assert.equal(await takeOvers, 0);
  });

  it('releases records that a session wrote after it was ended', async ({ store }) => {
    const [session, keeper] = [await openSession(store, 'session 1'), await openSession(store, 'keeper')];
    await writeAll(store, [insertOf('a', { owner: session })]);
    await store.endSession(session);
    await store.takeOver({ silenceMs: NEVER_SILENT, keep: keeper, limit: 10 });
    await writeAll(store, [insertOf('b', { owner: session }), updateOf('a', 2, { owner: session })]);
    assert.equal((await store.takeOver({ silenceMs: NEVER_SILENT, keep: keeper, limit: 10 })).released, 2);
  });
}

function reopenCases({ it, manifest }: Cases): void {
  if (!manifest.durable) return;
  it('releases, when opened again, the records of previous sessions', async ({ store, reopen }) => {
    const session = await openSession(store, 'session 1');
    await writeAll(
      store,
      Array.from({ length: 100 }, (_, i) => insertOf(`gid-${i}`, { owner: session })),
    );
    await writeAll(
      store,
      Array.from({ length: 90 }, (_, i) => updateOf(`gid-${i}`, 1, { status: 'succeed' })),
    );
    await writeAll(store, [
      insertOf('waits', { dueInMs: -1 }),
      insertOf('waits elsewhere', { group: 'shop', dueInMs: -1 }),
    ]);
    await store.endSession(session);
    const again = await reopen();
    const keeper = await openSession(again, 'session 2');
    assert.equal((await again.takeOver({ silenceMs: NEVER_SILENT, keep: keeper, limit: 100 })).released, 10);
    const { claimed } = await again.claimDue({ session: keeper, limit: 100, groups: [] });
    assert.deepEqual(claimed.length, 11);
    assert.deepEqual((await again.get([keyOf('gid-99')]))[0]?.claims, 2);
  });

  it('keeps apart what was owned and finished before and after it was opened again', async ({
    reopen,
    store: first,
  }) => {
    let store = first;
    for (const generation of ['1', '2', '3']) {
      const owned = Array.from({ length: 20 }, (_, i) => insertOf(`${generation} owned ${i}`, { owner: 'gone' }));
      const finished = Array.from({ length: 20 }, (_, i) =>
        insertOf(`${generation} finished ${i}`, { status: 'failed' }),
      );
      await writeAll(store, [...owned, ...finished]);
      store = await reopen();
    }
    const keeper = await openSession(store, 'keeper');
    assert.equal((await store.takeOver({ silenceMs: NEVER_SILENT, keep: keeper, limit: 100 })).released, 60);
    assert.equal(await store.purge({ olderThanMs: -1, limit: 100 }), 60);
  });

  if (manifest.exclusive)
    it('ends all sessions when it is opened again', async ({ store, reopen }) => {
      await openSession(store, 'session 1');
      const again = await reopen();
      assert.deepEqual(await again.sessions(), []);
      assert.equal((await again.heartbeat('session 1')).alive, false);
    });
}
