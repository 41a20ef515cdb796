import assert from 'node:assert/strict';
import { batchCases } from './batch-cases.ts';
import type { Cases } from './harness.ts';
import { applied, bytes, insertOf, openSession, read, textOf, updateOf, writeAll, writeOne } from './items.ts';
import { recordCases, versionCases } from './record-cases.ts';

/** Inserts and updates: what they store, their conditions, repeated items. */
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

function conditionCases({ it }: Cases): void {
  it('an insert of an existing key returns conflict and changes nothing', async ({ store }) => {
    await writeAll(store, [insertOf('a', { status: 'prepared' })]);
    const before = await read(store, 'a');
    const outcome = await writeOne(store, insertOf('a', { state: bytes('other') }));
    assert.deepEqual(outcome, { kind: 'conflict', status: 'prepared', version: 1 });
    assert.deepEqual(await read(store, 'a'), before);
  });

  it('an update of another version returns conflict and changes nothing', async ({ store }) => {
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

  it('an update of a missing key returns missing', async ({ store }) => {
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
  it('clears owner and due time of a finished transaction and stores when it finished', async ({ store }) => {
    await writeAll(store, [insertOf('a', { owner: 'session 1' })]);
    await writeAll(store, [updateOf('a', 1, { status: 'succeed', owner: 'session 1', dueInMs: 5 })]);
    const record = await read(store, 'a');
    assert.deepEqual([record.owner, record.dueAtMs, record.claims], [null, null, 0]);
    assert.equal(record.finishedAtMs, record.updatedAtMs);
  });

  it('stores a transaction that is inserted in a final status', async ({ store }) => {
    await writeAll(store, [insertOf('a', { status: 'failed', owner: 'session 1', dueInMs: 5 })]);
    const record = await read(store, 'a');
    assert.deepEqual([record.owner, record.dueAtMs, record.finishedAtMs], [null, null, record.createdAtMs]);
  });

  it('a finished transaction stays finished', async ({ store }) => {
    await writeAll(store, [insertOf('a', { status: 'failed' })]);
    const { finishedAtMs } = await read(store, 'a');
    assert.deepEqual(await writeOne(store, updateOf('a', 1)), { kind: 'conflict', status: 'failed', version: 1 });
    await writeAll(store, [updateOf('a', 1, { status: 'failed', state: bytes('more') })]);
    const record = await read(store, 'a');
    assert.deepEqual([textOf(record.state), record.finishedAtMs], ['more', finishedAtMs]);
  });
}

function repeatCases({ it }: Cases): void {
  it('a repeated insert returns applied', async ({ store }) => {
    const item = insertOf('a');
    await writeAll(store, [item]);
    const before = await read(store, 'a');
    assert.deepEqual(await writeOne(store, item), applied(1));
    assert.deepEqual(await read(store, 'a'), before);
  });

  it('a repeated update returns applied', async ({ store }) => {
    const item = updateOf('a', 1, { state: bytes('once') });
    await writeAll(store, [insertOf('a')]);
    await writeAll(store, [item]);
    const before = await read(store, 'a');
    assert.deepEqual(await writeOne(store, item), applied(2));
    assert.deepEqual(await read(store, 'a'), before);
  });

  it('an update with another write ID returns conflict', async ({ store }) => {
    const item = updateOf('a', 1);
    await writeAll(store, [insertOf('a'), insertOf('b')]);
    await writeAll(store, [item]);
    assert.equal((await writeOne(store, { ...item, writeId: 'another' })).kind, 'conflict');
  });

  it('returns the version that the write produced, so that a later claim fences out its sender', async ({ store }) => {
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

  it('a repeated batch returns the same outcomes as the first', async ({ store }) => {
    const batch = [insertOf('a'), insertOf('b', { status: 'succeed' }), insertOf('c')];
    const first = await store.write(batch);
    assert.deepEqual(await store.write(batch), first);
    assert.equal((await store.count()).byStatus.submitted, 2);
  });
}
