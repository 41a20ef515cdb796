import assert from 'node:assert/strict';
import { assertRejects, type Cases } from './harness.ts';
import {
  appendOf,
  applied,
  insertOf,
  keyOf,
  openSession,
  read,
  readable,
  updateOf,
  writeAll,
  writeOne,
} from './items.ts';

/** The records that inserts and updates store, and how they are read. */
export function recordCases({ it }: Cases): void {
  it('stores the fields of an insert as version 1', async ({ store }) => {
    const before = await store.nowMs();
    const item = insertOf('a', { pattern: 'tcc', group: 'shop', status: 'prepared', dueInMs: 5_000, attention: true });
    assert.deepEqual(await writeOne(store, item), applied(1));
    const { createdAtMs, updatedAtMs, dueAtMs, ...rest } = readable(await read(store, 'a'));
    assert.ok(typeof createdAtMs === 'number' && createdAtMs >= before && createdAtMs <= (await store.nowMs()));
    assert.equal(updatedAtMs, createdAtMs);
    assert.equal(dueAtMs, createdAtMs + 5_000);
    assert.deepEqual(rest, {
      key: keyOf('a'),
      pattern: 'tcc',
      group: 'shop',
      status: 'prepared',
      version: 1,
      writeId: item.writeId,
      owner: null,
      claims: 0,
      attention: true,
      finishedAtMs: null,
      definition: 'definition',
      state: 'state 1',
      entries: [],
    });
  });

  it('stores the fields of an update and keeps those that only an insert sets', async ({ store }) => {
    await writeOne(store, insertOf('a', { pattern: 'msg', group: 'shop', attention: true, owner: 'session 1' }));
    const created = await read(store, 'a');
    const item = updateOf('a', 1, { status: 'aborting', dueInMs: 90_000 });
    assert.deepEqual(await writeOne(store, item), applied(2));
    const { updatedAtMs, dueAtMs, ...rest } = readable(await read(store, 'a'));
    assert.ok(typeof updatedAtMs === 'number' && updatedAtMs >= created.updatedAtMs);
    assert.equal(dueAtMs, updatedAtMs + 90_000);
    assert.deepEqual(rest, {
      key: keyOf('a'),
      pattern: 'msg',
      group: 'shop',
      status: 'aborting',
      version: 2,
      writeId: item.writeId,
      owner: null,
      claims: 0,
      attention: false,
      createdAtMs: created.createdAtMs,
      finishedAtMs: null,
      definition: 'definition',
      state: 'state 2',
      entries: [],
    });
  });

  it('counts one claim for a write that keeps an owner, none for one that releases', async ({ store }) => {
    await writeOne(store, insertOf('a', { owner: 'session 1' }));
    assert.deepEqual([(await read(store, 'a')).owner, (await read(store, 'a')).claims], ['session 1', 1]);
    await writeOne(store, updateOf('a', 1, { owner: 'session 1' }));
    assert.equal((await read(store, 'a')).claims, 1);
    await writeOne(store, updateOf('a', 2));
    assert.equal((await read(store, 'a')).claims, 0);
  });

  it('rejects a record that is both owned and due', async ({ store }) => {
    await assertRejects(store.write([insertOf('a', { owner: 'session 1', dueInMs: 0 })]), 'invalid');
  });

  it('returns the records of many keys in their order, undefined for a missing one', async ({ store }) => {
    await writeAll(store, [insertOf('a'), insertOf('b')]);
    const records = await store.get([keyOf('b'), keyOf('missing'), keyOf('a'), keyOf('a', 'elsewhere')]);
    assert.deepEqual(
      records.map((record) => record?.key.gid),
      ['b', undefined, 'a', undefined],
    );
    assert.deepEqual(await store.get([]), []);
  });
}

/** Versions, read without their records. */
export function versionCases({ it }: Cases): void {
  it('returns the versions of existing records in the order of the keys', async ({ store }) => {
    const session = await openSession(store, 'session 1');
    await writeAll(store, [
      insertOf('a'),
      insertOf('ab', { owner: session }),
      insertOf(keyOf('a', 'elsewhere')),
      insertOf('finished', { status: 'succeed' }),
    ]);
    await writeAll(store, [updateOf('ab', 1, { owner: session }), appendOf('a', ['1'])]);
    await writeAll(store, [updateOf('ab', 2, { owner: session })]);
    const keys = [keyOf('ab'), keyOf('nothing'), keyOf('a'), keyOf('a', 'elsewhere'), keyOf('finished'), keyOf('ab')];
    assert.deepEqual(await store.versions(keys), [3, undefined, 2, 1, 1, 3]);
    await store.endSession(session);
    const keeper = await openSession(store, 'keeper');
    await store.takeOver({ silenceMs: 600_000, keep: keeper, limit: 10 });
    assert.deepEqual(await store.versions([keyOf('ab')]), [4], 'after a takeover');
    assert.deepEqual(await store.versions([]), []);
  });
}
