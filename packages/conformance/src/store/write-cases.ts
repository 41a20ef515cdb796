import assert from 'node:assert/strict';
import { STORE_LIMITS } from '@holdfast/core';
import { assertRejects, type Cases } from './harness.ts';
import {
  appendOf,
  applied,
  bytes,
  insertOf,
  keyOf,
  openSession,
  read,
  readable,
  textOf,
  updateOf,
  writeAll,
  writeOne,
} from './items.ts';

/** Inserts and updates: versions, conditions, repeated items, batches. */
export function writeCases(cases: Cases): void {
  cases.describe('inserts and updates', () => {
    recordCases(cases);
    versionCases(cases);
    conditionCases(cases);
    finalCases(cases);
  });
  cases.describe('writes whose outcome was unknown', () => repeatCases(cases));
  cases.describe('batches', () => batchCases(cases));
}

function recordCases({ it }: Cases): void {
  it('stores what an insert says, as version 1', async ({ store }) => {
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

  it('stores what an update says, and leaves what was said once', async ({ store }) => {
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

  it('refuses an owned record that is due', async ({ store }) => {
    await assertRejects(store.write([insertOf('a', { owner: 'session 1', dueInMs: 0 })]), 'invalid');
  });

  it('answers the records of many keys in their order, undefined where there is none', async ({ store }) => {
    await writeAll(store, [insertOf('a'), insertOf('b')]);
    const records = await store.get([keyOf('b'), keyOf('missing'), keyOf('a'), keyOf('a', 'elsewhere')]);
    assert.deepEqual(
      records.map((record) => record?.key.gid),
      ['b', undefined, 'a', undefined],
    );
    assert.deepEqual(await store.get([]), []);
  });
}

function versionCases({ it }: Cases): void {
  it('tells versions, in the order of the keys, of what is there', async ({ store }) => {
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
    assert.deepEqual(await store.versions([keyOf('ab')]), [4], 'after a take-over');
    assert.deepEqual(await store.versions([]), []);
  });
}

function conditionCases({ it }: Cases): void {
  it('answers conflict to an insert of a key that exists, and changes nothing', async ({ store }) => {
    await writeAll(store, [insertOf('a', { status: 'prepared' })]);
    const before = await read(store, 'a');
    const outcome = await writeOne(store, insertOf('a', { state: bytes('other') }));
    assert.deepEqual(outcome, { kind: 'conflict', status: 'prepared', version: 1 });
    assert.deepEqual(await read(store, 'a'), before);
  });

  it('answers conflict to an update of another version, and changes nothing', async ({ store }) => {
    await writeAll(store, [insertOf('a')]);
    await writeAll(store, [updateOf('a', 1)]);
    const before = await read(store, 'a');
    for (const version of [1, 3])
      assert.deepEqual(await writeOne(store, updateOf('a', version, { status: 'failed' })), {
        kind: 'conflict',
        status: 'submitted',
        version: 2,
      });
    assert.deepEqual(await read(store, 'a'), before);
  });

  it('answers missing to an update of a key that does not exist', async ({ store }) => {
    assert.deepEqual(await writeOne(store, updateOf('a', 1)), { kind: 'missing' });
  });

  it('applies one of two writers that saw the same version', async ({ store, secondNode }) => {
    const other = await secondNode();
    const keys = Array.from({ length: 50 }, (_, i) => `gid-${i}`);
    await writeAll(
      store,
      keys.map((gid) => insertOf(gid)),
    );
    const rivals = await Promise.all(
      keys.map((gid) =>
        Promise.all([
          writeOne(store, updateOf(gid, 1, { state: bytes('first') })),
          writeOne(other, updateOf(gid, 1, { state: bytes('second') })),
        ]),
      ),
    );
    for (const [i, outcomes] of rivals.entries()) {
      assert.deepEqual(outcomes.map((outcome) => outcome.kind).toSorted(), ['applied', 'conflict']);
      const winner = outcomes[0].kind === 'applied' ? 'first' : 'second';
      assert.equal(textOf((await read(store, `gid-${i}`)).state), winner);
    }
  });
}

function finalCases({ it }: Cases): void {
  it('clears owner and due time of what is final, and keeps when it finished', async ({ store }) => {
    await writeAll(store, [insertOf('a', { owner: 'session 1' })]);
    await writeAll(store, [updateOf('a', 1, { status: 'succeed', owner: 'session 1', dueInMs: 5 })]);
    const record = await read(store, 'a');
    assert.deepEqual([record.owner, record.dueAtMs, record.claims], [null, null, 0]);
    assert.equal(record.finishedAtMs, record.updatedAtMs);
  });

  it('stores a transaction that is final from the start', async ({ store }) => {
    await writeAll(store, [insertOf('a', { status: 'failed', owner: 'session 1', dueInMs: 5 })]);
    const record = await read(store, 'a');
    assert.deepEqual([record.owner, record.dueAtMs, record.finishedAtMs], [null, null, record.createdAtMs]);
  });

  it('lets what is finished stay finished', async ({ store }) => {
    await writeAll(store, [insertOf('a', { status: 'failed' })]);
    const { finishedAtMs } = await read(store, 'a');
    assert.deepEqual(await writeOne(store, updateOf('a', 1)), { kind: 'conflict', status: 'failed', version: 1 });
    await writeAll(store, [updateOf('a', 1, { status: 'failed', state: bytes('more') })]);
    const record = await read(store, 'a');
    assert.deepEqual([textOf(record.state), record.finishedAtMs], ['more', finishedAtMs]);
  });
}

function repeatCases({ it }: Cases): void {
  it('answers applied to an insert that is sent again', async ({ store }) => {
    const item = insertOf('a');
    await writeAll(store, [item]);
    const before = await read(store, 'a');
    assert.deepEqual(await writeOne(store, item), applied(1));
    assert.deepEqual(await read(store, 'a'), before);
  });

  it('answers applied to an update that is sent again', async ({ store }) => {
    const item = updateOf('a', 1, { state: bytes('once') });
    await writeAll(store, [insertOf('a')]);
    await writeAll(store, [item]);
    const before = await read(store, 'a');
    assert.deepEqual(await writeOne(store, item), applied(2));
    assert.deepEqual(await read(store, 'a'), before);
  });

  it('answers conflict to an update with another write id', async ({ store }) => {
    const item = updateOf('a', 1);
    await writeAll(store, [insertOf('a'), insertOf('b')]);
    await writeAll(store, [item]);
    assert.equal((await writeOne(store, { ...item, writeId: 'another' })).kind, 'conflict');
  });

  it('answers the version that the write made, so that its sender is fenced out by a claim that came after it', async ({
    store,
  }) => {
    const session = await openSession(store, 'session 2');
    const insert = insertOf('a', { dueInMs: -1_000 });
    await writeAll(store, [insert]);
    await store.claimDue({ session, limit: 1, groups: [] });
    assert.deepEqual(await writeOne(store, insert), applied(1));
    const update = updateOf('a', 2, { dueInMs: -1_000 });
    await writeAll(store, [update]);
    await store.claimDue({ session, limit: 1, groups: [] });
    assert.deepEqual(await writeOne(store, update), applied(3));
    assert.equal((await writeOne(store, updateOf('a', 3, { status: 'succeed' }))).kind, 'conflict');
    assert.equal((await read(store, 'a')).owner, session);
  });

  it('answers a repeated batch as the first time', async ({ store }) => {
    const batch = [insertOf('a'), insertOf('b', { status: 'succeed' }), insertOf('c')];
    const first = await store.write(batch);
    assert.deepEqual(await store.write(batch), first);
    assert.equal((await store.count()).byStatus.submitted, 2);
  });
}

function batchCases({ it }: Cases): void {
  it('answers each item, in order, and lets none hinder another', async ({ store }) => {
    await writeAll(store, [insertOf('a'), insertOf('b', { status: 'prepared' }), insertOf('d')]);
    const outcomes = await store.write([
      updateOf('a', 7),
      insertOf('c'),
      updateOf('missing', 1),
      insertOf('b'),
      appendOf('d', ['entry']),
      appendOf('missing too', ['entry']),
    ]);
    assert.deepEqual(
      outcomes.map((outcome) => outcome.kind),
      ['conflict', 'applied', 'missing', 'conflict', 'applied', 'missing'],
    );
    assert.equal((await read(store, 'c')).version, 1);
    assert.equal((await read(store, 'd')).version, 2);
  });

  it('takes an empty batch', async ({ store }) => {
    assert.deepEqual(await store.write([]), []);
  });

  it('takes a thousand items at once', async ({ store }) => {
    const gids = Array.from({ length: 1_000 }, (_, i) => `gid-${i}`);
    await writeAll(
      store,
      gids.map((gid) => insertOf(gid)),
    );
    await writeAll(
      store,
      gids.map((gid) => updateOf(gid, 1, { status: 'succeed' })),
    );
    const records = await store.get(gids.map((gid) => keyOf(gid)));
    assert.ok(records.every((record, i) => record?.key.gid === gids[i] && record?.version === 2));
  });

  it('refuses two items of one key, and applies none', async ({ store }) => {
    await assertRejects(store.write([insertOf('b'), insertOf('a'), updateOf('a', 1)]), 'invalid');
    assert.deepEqual(await store.get([keyOf('a'), keyOf('b')]), [undefined, undefined]);
  });

  it('takes the same gid of two namespaces', async ({ store }) => {
    await writeAll(store, [insertOf(keyOf('a', 'one')), insertOf(keyOf('a', 'two'))]);
  });

  it('rejects a batch with an item that is too large, and applies none; its neighbours go alone', async ({ store }) => {
    const neighbours = [insertOf('a'), insertOf('c')];
    const impossible = insertOf('b', { definition: new Uint8Array(STORE_LIMITS.itemBytes) });
    await assertRejects(store.write([...neighbours, impossible]), 'rejected');
    assert.deepEqual(await store.get([keyOf('a'), keyOf('b'), keyOf('c')]), [undefined, undefined, undefined]);
    await assertRejects(store.write([impossible]), 'rejected');
    await writeAll(store, neighbours);
  });

  it('refuses a batch beyond its bound', async ({ store }) => {
    const batch = Array.from({ length: STORE_LIMITS.batchItems + 1 }, (_, i) => insertOf(`gid-${i}`));
    await assertRejects(store.write(batch), 'invalid');
  });
}
