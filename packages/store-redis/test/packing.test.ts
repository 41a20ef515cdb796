import { type Entry, type InsertItem, type Store, STORE_LIMITS, type WriteItem } from '@holdfast/core/store';
import * as fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { describeWith } from '@holdfast/testing/describe-with';
import { appendOf, insertOf, updateOf } from '@holdfast/testing/store-cases';
import { argumentsOf } from '../src/batch.ts';
import { createRedisStore } from '../src/index.ts';
import { newPrefix, useServer } from '@holdfast/testing/redis';

/** Bodies that a protocol of lines, of texts with an end, or of UTF-8 would spoil. */
const body = fc.oneof(
  fc.uint8Array({ maxLength: 200 }),
  fc.constantFrom(...['', '\0', '\r\n', '\r\n$5\r\n', 'ÿ\0ÿ', '*0'].map((text) => Buffer.from(text, 'latin1'))),
);
/** Texts that a key may contain: anything but a NUL. */
const text = fc
  .string({ unit: 'grapheme', minLength: 1, maxLength: 12 })
  .filter((word) => !word.includes('\0') && word.isWellFormed());
const namespace = fc.constantFrom('default', ':', '1:a', 'ü');
const entries = fc.uniqueArray(fc.record({ key: text, body }), {
  selector: ({ key }) => key,
  minLength: 1,
  maxLength: 5,
});
const transactions = fc.uniqueArray(
  fc.record({
    key: fc.record({ namespace, gid: text }),
    writeId: text,
    group: fc.oneof(fc.constant(''), text),
    owner: fc.option(text),
    dueInMs: fc.option(fc.double({ min: 1, max: 1e12, noNaN: true })),
    attention: fc.boolean(),
    definition: body,
    state: body,
    later: fc.oneof(fc.record({ state: body }), fc.record({ entries })),
  }),
  { selector: ({ key }) => JSON.stringify(key), minLength: 1, maxLength: 12 },
);

describeWith(['redis-server'], 'what is packed for a real server', () => {
  const { url } = useServer({ appendFsync: 'everysec' });
  let store: Store;
  beforeAll(async () => {
    store = createRedisStore({ url: url(), prefix: newPrefix() });
    await store.open();
  });
  afterAll(() => store.close());

  const APPLIED = { kind: 'applied', existing: [] };
  const bare = (parts: readonly Entry[]) =>
    parts.map(({ key, body: bytes }) => [key, Buffer.from(bytes).toString('hex')]);

  it('is read back as it was written, whatever its bytes and the neighbouring values are', async () => {
    let runs = 0;
    await fc.assert(
      fc.asyncProperty(transactions, async (drawn) => {
        // Keys of this run alone.
        const named = drawn.map((x) => ({ ...x, key: { ...x.key, gid: `${++runs} ${x.key.gid}` } }));
        const inserts = named.map(({ key, writeId, group, owner, dueInMs, attention, definition, state }) => {
          const settings = { key, writeId, group, attention, definition, state };
          return insertOf('', { ...settings, owner, dueInMs: owner === null ? dueInMs : null });
        });
        expect(await store.write(inserts)).toEqual(named.map(() => ({ ...APPLIED, version: 1 })));

        const changes = named.map(({ key, later }): WriteItem =>
          'entries' in later ? { ...appendOf('', ''), key, ...later } : updateOf('', { key, ...later }),
        );
        // New and changed ones in one batch, by turns.
        const others = named.map(({ key }) => ({ ...key, gid: `${key.gid} beside` }));
        const batch = changes.flatMap((item, i) => [item, insertOf('', { key: others[i] ?? item.key })]);
        const outcomes = await store.write(batch);
        expect(outcomes).toEqual(batch.map((_, i) => ({ ...APPLIED, version: i % 2 === 0 ? 2 : 1 })));

        const records = await store.get(named.map(({ key }) => key));
        for (const [i, { key, later, definition, group, ...x }] of named.entries()) {
          const record = records[i];
          expect(record).toMatchObject({ key, group, version: 2, pattern: 'saga', status: 'submitted' });
          expect(Buffer.from(record?.definition ?? [])).toEqual(Buffer.from(definition));
          expect(Buffer.from(record?.state ?? [])).toEqual(Buffer.from('entries' in later ? x.state : later.state));
          expect(bare(record?.entries ?? [])).toEqual('entries' in later ? bare(later.entries) : []);
          if ('entries' in later)
            expect(record).toMatchObject({ writeId: x.writeId, owner: x.owner, attention: x.attention });
        }
        expect(await store.versions(others)).toEqual(others.map(() => 1));

        // The repeated batch: each append returns its own entries and none of another append.
        const appends = changes.filter((item) => item.kind === 'append');
        const again = appends.length === 0 ? [] : await store.write(appends);
        expect(again.map((outcome) => (outcome.kind === 'applied' ? bare(outcome.existing) : outcome))).toEqual(
          appends.map((item) => bare(item.entries)),
        );
      }),
      { numRuns: 60 },
    );
  });

  const ofSize = (gid: string, sizes: readonly [definition: number, state: number]): InsertItem => {
    const [definition, state] = sizes.map((size, i) => Buffer.alloc(size, `${gid} ${i}\r\n\0`));
    return insertOf(gid, { definition: definition ?? Buffer.of(), state: state ?? Buffer.of() });
  };

  it.each([
    ['none', [[0, 0]]],
    [
      'none beside some',
      [
        [0, 7],
        [7, 0],
        [0, 0],
        [1, 1],
      ],
    ],
    [
      'as many as share an argument',
      [
        [131_072, 131_072],
        [1, 0],
      ],
    ],
    [
      'one more than share an argument',
      [
        [131_072, 131_073],
        [1, 0],
        [262_144, 262_145],
      ],
    ],
    [
      'what is large between what is small',
      [
        [10, 300_000],
        [0, 10],
        [300_000, 300_000],
        [10, 10],
      ],
    ],
    [
      'the most of one item',
      [
        [10, 10],
        [STORE_LIMITS.itemBytes - 1, 1],
        [0, STORE_LIMITS.itemBytes],
        [10, 10],
      ],
    ],
  ] satisfies [string, [number, number][]][])('keeps bodies of all sizes: %s', async (name, sizes) => {
    const items = sizes.map((size, i) => ofSize(`${name} ${i}`, size));
    expect(await store.write(items)).toEqual(items.map(() => ({ ...APPLIED, version: 1 })));
    const records = await store.get(items.map(({ key }) => key));
    for (const [i, { definition, state }] of items.entries()) {
      expect(Buffer.compare(records[i]?.definition ?? Buffer.of(), definition)).toBe(0);
      expect(Buffer.compare(records[i]?.state ?? Buffer.of(), state)).toBe(0);
    }
  });

  it('a batch of small items has two arguments, however many they are', () => {
    for (const count of [1, 32, 128])
      expect(argumentsOf(Array.from({ length: count }, (_, i) => insertOf(`gid-${i}`)))).toHaveLength(2);
  });
});
