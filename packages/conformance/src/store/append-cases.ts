import assert from 'node:assert/strict';
import type { Cases } from './harness.ts';
import {
  appendOf,
  applied,
  entryOf,
  insertOf,
  keyOf,
  openSession,
  read,
  readable,
  updateOf,
  writeAll,
  writeOne,
} from './items.ts';

const entryKeys = (record: { readonly entries: readonly { readonly key: string }[] }): string[] =>
  record.entries.map((entry) => entry.key);

/** Entries that are appended to a transaction by other nodes or clients. */
export function appendCases({ describe, it }: Cases): void {
  describe('appends', () => {
    it('adds entries after the existing ones', async ({ store }) => {
      await writeAll(store, [insertOf('a', { status: 'prepared' })]);
      assert.deepEqual(await writeOne(store, appendOf('a', ['z', 'm'])), applied(2));
      assert.deepEqual(await writeOne(store, appendOf('a', ['a'])), applied(3));
      const record = await read(store, 'a');
      assert.deepEqual(entryKeys(record), ['z', 'm', 'a']);
      assert.equal(record.version, 3);
    });

    it('leaves everything else as it was', async ({ store }) => {
      await writeAll(store, [insertOf('a', { owner: 'session 1', attention: true })]);
      const before = readable(await read(store, 'a'));
      await writeAll(store, [appendOf('a', ['e'])]);
      const { version, updatedAtMs, entries, ...rest } = readable(await read(store, 'a'));
      assert.ok(typeof updatedAtMs === 'number');
      assert.deepEqual([version, entries], [2, [{ key: 'e', body: 'body of e' }]]);
      assert.deepEqual({ ...rest, version: 1, updatedAtMs: before['updatedAtMs'], entries: [] }, before);
    });

    it('keeps its entries through updates, claims and the end', async ({ store }) => {
      const session = await openSession(store, 'session 1');
      await writeAll(store, [insertOf('a', { dueInMs: -1 })]);
      await writeAll(store, [appendOf('a', ['e 1'])]);
      const { claimed } = await store.claimDue({ session, limit: 1, groups: [] });
      assert.deepEqual(claimed.map(entryKeys), [['e 1']]);
      await writeAll(store, [updateOf('a', 3, { owner: session })]);
      await writeAll(store, [appendOf('a', ['e 2'])]);
      await writeAll(store, [updateOf('a', 5, { status: 'succeed' })]);
      assert.deepEqual(entryKeys(await read(store, 'a')), ['e 1', 'e 2']);
      assert.deepEqual((await store.list({ namespace: 'default', limit: 1 })).items.map(entryKeys), [['e 1', 'e 2']]);
    });

    it('a repeated append changes nothing and returns what is stored', async ({ store }) => {
      await writeAll(store, [insertOf('a')]);
      const item = appendOf('a', ['e 1', 'e 2']);
      assert.deepEqual(await writeOne(store, item), applied(2));
      const before = await read(store, 'a');
      assert.deepEqual(readableOutcome(await writeOne(store, item)), readableOutcome(applied(2, item.entries)));
      assert.deepEqual(await read(store, 'a'), before);
    });

    it('adds the new entries of a repeated append and keeps the body of existing ones', async ({ store }) => {
      await writeAll(store, [insertOf('a')]);
      await writeAll(store, [appendOf('a', [entryOf('e 1', 'first')])]);
      const outcome = await writeOne(store, appendOf('a', [entryOf('e 2', 'new'), entryOf('e 1', 'second')]));
      assert.deepEqual(readableOutcome(outcome), readableOutcome(applied(3, [entryOf('e 1', 'first')])));
      assert.deepEqual(readable(await read(store, 'a'))['entries'], [
        { key: 'e 1', body: 'first' },
        { key: 'e 2', body: 'new' },
      ]);
    });

    it('adds nothing to a transaction whose status forbids it', async ({ store }) => {
      await writeAll(store, [insertOf('a', { status: 'aborting' })]);
      const outcome = await writeOne(store, appendOf('a', ['e'], { whenStatus: ['prepared'] }));
      assert.deepEqual(outcome, { kind: 'conflict', status: 'aborting', version: 1 });
      assert.deepEqual(entryKeys(await read(store, 'a')), []);
    });

    it('adds nothing to a transaction of another pattern', async ({ store }) => {
      await writeAll(store, [insertOf('a', { pattern: 'xa' })]);
      const outcome = await writeOne(store, appendOf('a', ['e'], { whenPattern: 'tcc' }));
      assert.deepEqual(outcome, { kind: 'conflict', status: 'submitted', version: 1 });
      assert.deepEqual(entryKeys(await read(store, 'a')), []);
      assert.equal((await writeOne(store, appendOf('a', ['e'], { whenPattern: 'xa' }))).kind, 'applied');
      assert.deepEqual(entryKeys(await read(store, 'a')), ['e']);
    });

    it('an append whose entries are all stored returns applied, whatever the status is now', async ({ store }) => {
      await writeAll(store, [insertOf('a', { status: 'prepared' })]);
      const item = appendOf('a', ['e'], { whenStatus: ['prepared'] });
      await writeAll(store, [item]);
      await writeAll(store, [updateOf('a', 2, { status: 'failed' })]);
      assert.deepEqual(readableOutcome(await writeOne(store, item)), readableOutcome(applied(3, item.entries)));
    });

    it('adds nothing when there is no room for all', async ({ store }) => {
      await writeAll(store, [insertOf('a')]);
      await writeAll(store, [appendOf('a', ['e 1', 'e 2'], { maxEntries: 3 })]);
      const full = await writeOne(store, appendOf('a', ['e 3', 'e 4'], { maxEntries: 3 }));
      assert.deepEqual(full, { kind: 'conflict', status: 'submitted', version: 2, full: 'entries' });
      assert.equal((await writeOne(store, appendOf('a', ['e 1', 'e 3'], { maxEntries: 3 }))).kind, 'applied');
      assert.equal((await writeOne(store, appendOf('a', ['e 1', 'e 3'], { maxEntries: 3 }))).kind, 'applied');
      assert.equal((await writeOne(store, appendOf('a', ['e 4'], { maxEntries: 3 }))).kind, 'conflict');
      assert.deepEqual(entryKeys(await read(store, 'a')), ['e 1', 'e 2', 'e 3']);
    });

    it('adds nothing when the bodies of all entries together exceed their bytes', async ({ store }) => {
      const entry = (key: string, kib: number) => ({ key, body: new Uint8Array(kib * 1024) });
      const append = (...entries: ReturnType<typeof entry>[]) =>
        writeOne(store, appendOf('a', entries, { maxBytes: 100 * 1024 }));
      const full = (version: number) => ({ kind: 'conflict', status: 'submitted', version, full: 'bytes' });
      await writeAll(store, [insertOf('a', { definition: new Uint8Array(200 * 1024) })]);
      assert.deepEqual(await append(entry('e 0', 101)), full(1));
      assert.equal((await append(entry('e 1', 30), entry('e 2', 30))).kind, 'applied');
      assert.deepEqual(await append(entry('e 3', 50)), full(2));
      assert.deepEqual(await append(entry('e 3', 10), entry('e 4', 40)), full(2));
      assert.equal((await append(entry('e 3', 30))).kind, 'applied');
      assert.equal((await append(entry('e 1', 30))).kind, 'applied', 'what is there already needs no room');
      assert.equal((await append(entry('e 1', 90), entry('e 4', 5))).kind, 'applied');
      assert.deepEqual(await append(entry('e 5', 50)), full(4));
      assert.equal((await writeOne(store, appendOf('a', ['e 6']))).kind, 'applied', 'without a bound there is room');
      assert.deepEqual(entryKeys(await read(store, 'a')), ['e 1', 'e 2', 'e 3', 'e 4', 'e 6']);
    });

    it('bounds the bodies of the entries, whichever node appends them', async ({ store, secondNode }) => {
      const other = await secondNode();
      await writeAll(store, [insertOf('a')]);
      const body = new Uint8Array(10 * 1024);
      const outcomes = await Promise.all(
        Array.from({ length: 20 }, (_, i) =>
          writeOne(i % 2 === 0 ? store : other, appendOf('a', [{ key: `e ${i}`, body }], { maxBytes: 105 * 1024 })),
        ),
      );
      assert.equal(outcomes.filter(({ kind }) => kind === 'applied').length, 10);
      assert.equal((await read(store, 'a')).entries.length, 10);
    });

    it('an append to a missing transaction returns missing', async ({ store }) => {
      assert.deepEqual(await writeOne(store, appendOf('a', ['e'])), { kind: 'missing' });
      assert.deepEqual(await store.get([keyOf('a')]), [undefined]);
    });

    it('keeps a thousand entries in order', async ({ store }) => {
      const keys = Array.from({ length: 1_000 }, (_, i) => `${(i * 7) % 1_000}`);
      await writeAll(store, [insertOf('a')]);
      for (let i = 0; i < keys.length; i += 100)
        await writeAll(store, [appendOf('a', keys.slice(i, i + 100), { maxEntries: 1_000 })]);
      assert.deepEqual(entryKeys(await read(store, 'a')), keys);
    });

    it('postpones waiting transactions, and no others', async ({ store }) => {
      await writeAll(store, [
        insertOf('waits', { dueInMs: 1_000 }),
        insertOf('parked', { dueInMs: null }),
        insertOf('owned', { owner: 's' }),
      ]);
      for (const gid of ['waits', 'parked', 'owned'])
        await writeAll(store, [appendOf(gid, ['e'], { postponeMs: 60_000 })]);
      const [waits, parked, owned] = await store.get([keyOf('waits'), keyOf('parked'), keyOf('owned')]);
      assert.equal(waits?.dueAtMs, (waits?.updatedAtMs ?? 0) + 60_000);
      assert.deepEqual([parked?.dueAtMs, owned?.dueAtMs], [null, null]);
      const again = await writeOne(store, appendOf('waits', ['e'], { postponeMs: 1 }));
      assert.equal(again.kind, 'applied');
      assert.equal((await read(store, 'waits')).dueAtMs, waits?.dueAtMs, 'nothing was added, so nothing moves');
    });
  });

  describe('an append racing a decision', () => {
    it('makes a decision that was computed without it conflict', async ({ store }) => {
      await writeAll(store, [insertOf('a', { status: 'prepared' })]);
      await writeAll(store, [appendOf('a', ['late'], { whenStatus: ['prepared'] })]);
      assert.equal((await writeOne(store, updateOf('a', 1, { status: 'aborting' }))).kind, 'conflict');
    });

    it('is rejected after the decision', async ({ store }) => {
      await writeAll(store, [insertOf('a', { status: 'prepared' })]);
      await writeAll(store, [updateOf('a', 1, { status: 'aborting' })]);
      assert.equal((await writeOne(store, appendOf('a', ['late'], { whenStatus: ['prepared'] }))).kind, 'conflict');
    });

    it('wins or loses against it, whole, when both arrive at once', async ({ store, secondNode }) => {
      const other = await secondNode();
      const gids = Array.from({ length: 60 }, (_, i) => `gid-${i}`);
      await writeAll(
        store,
        gids.map((gid) => insertOf(gid, { status: 'prepared' })),
      );
      const races = await Promise.all(
        gids.map((gid, i) => {
          const append = (): Promise<unknown> => writeOne(other, appendOf(gid, ['late'], { whenStatus: ['prepared'] }));
          const decide = (): Promise<unknown> => writeOne(store, updateOf(gid, 1, { status: 'aborting' }));
          return Promise.all(i % 2 === 0 ? [append(), decide()] : [decide(), append()].toReversed());
        }),
      );
      for (const [i, gid] of gids.entries()) {
        const { status, entries, version } = await read(store, gid);
        assert.equal(version, 2, `one of the two must win: ${JSON.stringify(races[i])}`);
        assert.deepEqual([status, entries.length], entries.length === 1 ? ['prepared', 1] : ['aborting', 0]);
      }
    });
  });
}

const readableOutcome = (outcome: Awaited<ReturnType<typeof writeOne>>): unknown =>
  outcome.kind === 'applied'
    ? { ...outcome, existing: outcome.existing.map((entry) => [entry.key, ...entry.body]) }
    : outcome;
