import assert from 'node:assert/strict';
import type { ClaimResult } from '@holdfast/core/store';
import { assertRejects, type Cases } from './harness.ts';
import {
  appendOf,
  insertOf,
  keyOf,
  newWriteId,
  openSession,
  read,
  readable,
  updateOf,
  writeAll,
  writeOne,
} from './items.ts';

const gidsOf = (result: ClaimResult): string[] => result.claimed.map((record) => record.key.gid);

/** Due transactions, and the sessions that claim them. */
export function claimCases(cases: Cases): void {
  cases.describe('claims', () => {
    claimOrderCases(cases);
    claimRecordCases(cases);
    claimRivalCases(cases);
  });
  cases.describe('making due', () => makeDueCases(cases));
}

function claimOrderCases({ it }: Cases): void {
  it('claims due transactions, earliest first, and returns when the next one is due', async ({ store }) => {
    const session = await openSession(store, 'session 1');
    await writeAll(store, [
      insertOf('third', { dueInMs: -1_000 }),
      insertOf('first', { dueInMs: -30_000 }),
      insertOf('later', { dueInMs: 600_000 }),
      insertOf('second', { dueInMs: -20_000 }),
    ]);
    const result = await store.claimDue({ session, limit: 10, groups: [] });
    assert.deepEqual(gidsOf(result), ['first', 'second', 'third']);
    assert.ok(result.nextDueInMs !== null && result.nextDueInMs > 0 && result.nextDueInMs <= 600_000);
    assert.equal(result.sessionEnded, false);
  });

  it('claims at most its limit and reports that more are due now', async ({ store }) => {
    const session = await openSession(store, 'session 1');
    await writeAll(
      store,
      ['a', 'b', 'c'].map((gid, i) => insertOf(gid, { dueInMs: -3_000 + i * 1_000 })),
    );
    const first = await store.claimDue({ session, limit: 2, groups: [] });
    assert.deepEqual([gidsOf(first), first.nextDueInMs], [['a', 'b'], 0]);
    const second = await store.claimDue({ session, limit: 2, groups: [] });
    assert.deepEqual([gidsOf(second), second.nextDueInMs], [['c'], null]);
  });

  it('does not claim transactions that are owned, finished, parked or not due yet', async ({ store }) => {
    const session = await openSession(store, 'session 1');
    await openSession(store, 'session 2');
    await writeAll(store, [
      insertOf('owned', { owner: 'session 2' }),
      insertOf('succeeded', { status: 'succeed' }),
      insertOf('failed', { status: 'failed', dueInMs: -1 }),
      insertOf('parked', { dueInMs: null, attention: true }),
      insertOf('later', { dueInMs: 600_000 }),
    ]);
    assert.deepEqual(gidsOf(await store.claimDue({ session, limit: 10, groups: [] })), []);
  });

  it('takes work of the empty group and of the groups that the node hosts', async ({ store }) => {
    const session = await openSession(store, 'session 1');
    await writeAll(store, [
      insertOf('any', { dueInMs: -1_000 }),
      insertOf('shop', { group: 'shop', dueInMs: -3_000 }),
      insertOf('shop 2', { group: 'shop 2', dueInMs: -9_000 }),
      insertOf('bank', { group: 'bank', dueInMs: -2_000 }),
    ]);
    assert.deepEqual(gidsOf(await store.claimDue({ session, limit: 10, groups: ['shop', 'bank', 'bank', ''] })), [
      'shop',
      'bank',
      'any',
    ]);
    const rest = await store.claimDue({ session, limit: 10, groups: [] });
    assert.deepEqual([gidsOf(rest), rest.nextDueInMs], [[], null]);
    assert.deepEqual(gidsOf(await store.claimDue({ session, limit: 10, groups: ['shop 2'] })), ['shop 2']);
  });

  it('claims a transaction that an update made due', async ({ store }) => {
    const session = await openSession(store, 'session 1');
    await writeAll(store, [
      insertOf('a', { dueInMs: 600_000 }),
      insertOf('b', { dueInMs: -1 }),
      insertOf('c', { owner: session }),
    ]);
    await writeAll(store, [
      updateOf('a', 1, { dueInMs: -5_000 }),
      updateOf('b', 1, { dueInMs: 600_000 }),
      updateOf('c', 1, { dueInMs: -1 }),
    ]);
    assert.deepEqual(gidsOf(await store.claimDue({ session, limit: 10, groups: [] })), ['a', 'c']);
  });

  it('rejects a limit that is not a positive integer', async ({ store }) => {
    for (const limit of [0, -1, 1.5, Number.NaN])
      await assertRejects(store.claimDue({ session: 'session 1', limit, groups: [] }), 'invalid');
  });
}

function claimRecordCases({ it }: Cases): void {
  it('returns the record as it is after the claim', async ({ store }) => {
    const session = await openSession(store, 'session 1');
    await writeAll(store, [insertOf('a', { dueInMs: -1, group: 'shop', attention: true })]);
    await writeAll(store, [appendOf('a', ['e'])]);
    const before = await read(store, 'a');
    const { claimed } = await store.claimDue({ session, limit: 10, groups: ['shop'] });
    assert.deepEqual(claimed.map(readable), [readable(await read(store, 'a'))]);
    const after = await read(store, 'a');
    assert.ok(after.updatedAtMs >= before.updatedAtMs);
    const expected = {
      ...before,
      owner: session,
      dueAtMs: null,
      claims: 1,
      version: 3,
      updatedAtMs: after.updatedAtMs,
    };
    assert.deepEqual(readable(after), readable(expected));
  });

  it('counts claims until the owner writes progress', async ({ store }) => {
    const session = await openSession(store, 'session 1');
    await writeAll(store, [insertOf('a', { dueInMs: -1 })]);
    for (const claims of [1, 2, 3]) {
      const { claimed } = await store.claimDue({ session: `node ${claims}`, limit: 1, groups: [] });
      assert.deepEqual(claimed, [], 'this session does not live');
      await openSession(store, `node ${claims}`);
      const taken = await store.claimDue({ session: `node ${claims}`, limit: 1, groups: [] });
      assert.deepEqual(
        taken.claimed.map((record) => record.claims),
        [claims],
      );
      await store.endSession(`node ${claims}`);
      await store.takeOver({ silenceMs: 600_000, keep: session, limit: 10 });
    }
    const { version } = await read(store, 'a');
    await writeAll(store, [updateOf('a', version, { dueInMs: -1 })]);
    assert.deepEqual(
      (await store.claimDue({ session, limit: 1, groups: [] })).claimed.map((record) => record.claims),
      [1],
    );
  });

  it('fences out the previous owner', async ({ store }) => {
    const session = await openSession(store, 'session 2');
    await writeAll(store, [insertOf('a', { owner: 'session 1' })]);
    await store.takeOver({ silenceMs: 600_000, keep: session, limit: 10 });
    await store.claimDue({ session, limit: 1, groups: [] });
    assert.equal((await writeOne(store, updateOf('a', 1, { status: 'succeed' }))).kind, 'conflict');
    assert.equal((await writeOne(store, updateOf('a', 3, { status: 'succeed' }))).kind, 'applied');
  });
}

function claimRivalCases({ it }: Cases): void {
  it('gives each transaction to one of two claimers', async ({ store, secondNode }) => {
    const other = await secondNode();
    const [one, two] = [await openSession(store, 'session 1'), await openSession(other, 'session 2')];
    const gids = Array.from({ length: 200 }, (_, i) => `gid-${i}`);
    await writeAll(
      store,
      gids.map((gid) => insertOf(gid, { dueInMs: -1 })),
    );
    const results = await Promise.all(
      Array.from({ length: 40 }, (_, i) =>
        (i % 2 === 0 ? store : other).claimDue({ session: i % 2 === 0 ? one : two, limit: 7, groups: [] }),
      ),
    );
    assert.deepEqual(results.flatMap(gidsOf).toSorted(), gids.toSorted());
    for (const [i, result] of results.entries())
      assert.ok(result.claimed.every((record) => record.owner === (i % 2 === 0 ? one : two)));
  });

  it('gives a transaction to a claim or to a concurrent update, never to both', async ({ store, secondNode }) => {
    const other = await secondNode();
    const session = await openSession(other, 'session 1');
    const gids = Array.from({ length: 40 }, (_, i) => `gid-${i}`);
    await writeAll(
      store,
      gids.map((gid) => insertOf(gid, { dueInMs: -1 })),
    );
    const [claims, outcomes] = await Promise.all([
      Promise.all(gids.map(() => other.claimDue({ session, limit: 1, groups: [] }))),
      Promise.all(
        gids.map((gid) =>
          writeOne(store, updateOf(gid, 1, { status: 'aborting', dueInMs: 600_000, writeId: newWriteId() })),
        ),
      ),
    ]);
    const claimed = new Set(claims.flatMap(gidsOf));
    for (const [i, gid] of gids.entries()) {
      assert.notEqual(claimed.has(gid), outcomes[i]?.kind === 'applied', `both or neither have ${gid}`);
    }
  });
}

function makeDueCases({ it }: Cases): void {
  it('makes due the transactions that wait longer than the given time, and no others', async ({ store }) => {
    const session = await openSession(store, 'session 1');
    await writeAll(store, [
      insertOf('soon', { dueInMs: 60_000 }),
      insertOf('late', { dueInMs: 600_000 }),
      insertOf('late in a group', { dueInMs: 700_000, group: 'shop' }),
      insertOf(keyOf('late elsewhere', 'elsewhere'), { dueInMs: 600_000 }),
      insertOf('parked', { dueInMs: null }),
      insertOf('owned', { owner: session }),
      insertOf('finished', { status: 'succeed' }),
    ]);
    const result = await store.makeDue({ namespace: 'default', laterThanMs: 120_000, limit: 10 });
    assert.deepEqual(result, { count: 2, more: false });
    const { claimed, nextDueInMs } = await store.claimDue({ session, limit: 10, groups: ['shop'] });
    assert.deepEqual(claimed.map((record) => record.key.gid).toSorted(), ['late', 'late in a group']);
    assert.deepEqual(
      claimed.map((record) => [record.version, record.claims]),
      [
        [3, 1],
        [3, 1],
      ],
    );
    assert.ok(nextDueInMs !== null && nextDueInMs <= 60_000);
  });

  it('makes due at most its limit and reports whether there are more', async ({ store }) => {
    await writeAll(
      store,
      Array.from({ length: 25 }, (_, i) => insertOf(`gid-${i}`, { dueInMs: 600_000, group: `${i % 3}` })),
    );
    const results = [];
    for (let i = 0; i < 4; i++)
      results.push(await store.makeDue({ namespace: 'default', laterThanMs: 1_000, limit: 10 }));
    assert.deepEqual(results, [
      { count: 10, more: true },
      { count: 10, more: true },
      { count: 5, more: false },
      { count: 0, more: false },
    ]);
  });
}
