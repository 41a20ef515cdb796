import {
  type AppendItem,
  type Entry,
  StoreError,
  transitions,
  type WriteItem,
  type WriteOutcome,
} from '@holdfast/core';
import type { TransactionKey } from '@holdfast/protocol';
import { int4Array, textArray } from './arrays.ts';
import { type Numbered, spansOf, valuesOf } from './batch.ts';
import type { Connection, Row } from './connection.ts';
import { headOf } from './rows.ts';
import { EXAMINE, WRITE } from './statements/index.ts';
import type { StoreClock } from './store-clock.ts';

/** How often a batch is sent whose items could be applied by what is there now, and were not: each time, somebody else changed a record meanwhile. */
const ROUNDS = 10;

/** What `WRITE` answers of an item that was applied. */
interface AppliedRow {
  readonly item: number | null;
  readonly namespace: string;
  readonly gid: string;
  readonly version: number;
  readonly added: number;
  readonly entry_count: number;
  readonly now: number;
}

/** What `EXAMINE` answers beside the head. */
interface EntriesRow {
  readonly keys: readonly string[] | null;
  readonly positions: readonly number[] | null;
  readonly bodies: readonly Buffer[] | null;
}

/**
 * Writes a batch: one statement, and when it left items unapplied or found entries in the way of an append, one more that looks why. An item that is refused is
 * refused by the record as it is then, by the same rules as in every store; one that could be applied now is sent again.
 */
export async function write(
  connection: Connection,
  clock: StoreClock,
  batch: readonly WriteItem[],
): Promise<WriteOutcome[]> {
  const outcomes: (WriteOutcome | undefined)[] = batch.map(() => undefined);
  let left: readonly Numbered[] = batch.map((item, at) => ({ item, at }));
  for (let round = 1; left.length > 0; round++) {
    if (round > ROUNDS) throw inDoubt('the same records are changed again and again');
    try {
      await writeOnce(connection, clock, left, outcomes);
    } catch (thrown) {
      throw round === 1 || !(thrown instanceof StoreError) ? thrown : inDoubt(thrown.message, thrown);
    }
    left = left.filter(({ at }) => outcomes[at] === undefined);
  }
  return outcomes as WriteOutcome[];
}

/** Some items are applied already, and durable: whoever sends all again hears so. */
const inDoubt = (why: string, cause?: unknown): StoreError =>
  new StoreError('outcome_unknown', `a part of the batch was written: ${why}`, cause);

async function writeOnce(
  connection: Connection,
  clock: StoreClock,
  items: readonly Numbered[],
  outcomes: (WriteOutcome | undefined)[],
): Promise<void> {
  const rows = await connection.query(WRITE, valuesOf(items, ...clock.parameters()));
  const partly = settle(items, rows as unknown as readonly AppliedRow[], clock, outcomes);
  const unapplied = items.filter(({ at }) => outcomes[at] === undefined && !partly.has(at));
  if (unapplied.length + partly.size === 0) return;
  const asked = items.filter(({ at }) => outcomes[at] === undefined);
  try {
    const found = await examine(
      connection,
      asked.map(({ item }) => item),
    );
    for (const [i, { item, at }] of asked.entries()) {
      const row = found[i];
      const before = partly.get(at);
      outcomes[at] =
        before === undefined
          ? refusal(item, row)
          : transitions.applied(before.version, existingOf(item, row, before.count));
    }
  } catch (thrown) {
    throw inDoubt(thrown instanceof Error ? thrown.message : String(thrown), thrown);
  }
}

interface Before {
  readonly version: number;
  /** Entries that were there before the append. */
  readonly count: number;
}

/** Takes in what was applied; answers the appends that were, but not with all of their entries. */
function settle(
  items: readonly Numbered[],
  rows: readonly AppliedRow[],
  clock: StoreClock,
  outcomes: (WriteOutcome | undefined)[],
): Map<number, Before> {
  const inserts = new Map<string, number>();
  const appends = new Map<number, AppendItem>();
  for (const { item, at } of items) {
    if (item.kind === 'insert') inserts.set(idOf(item.key), at);
    else if (item.kind === 'append') appends.set(at, item);
  }
  const partly = new Map<number, Before>();
  for (const row of rows) {
    clock.seen(row.now);
    const at = row.item ?? inserts.get(idOf(row));
    if (at === undefined) continue;
    const append = appends.get(at);
    if (append !== undefined && row.added < append.entries.length)
      partly.set(at, { version: row.version, count: row.entry_count - row.added });
    else outcomes[at] = transitions.applied(row.version);
  }
  return partly;
}

/** The present heads of the records of items, and what they have of the items' entries; in the order of the items. */
async function examine(connection: Connection, items: readonly WriteItem[]): Promise<(Row | undefined)[]> {
  const keys = items.map((item) => (item.kind === 'append' ? item.entries.map((entry) => entry.key) : []));
  const { firsts, lasts } = spansOf(keys.map((list) => list.length));
  const rows = await connection.query(EXAMINE, [
    textArray(items.map((item) => item.key.namespace)),
    textArray(items.map((item) => item.key.gid)),
    int4Array(firsts),
    int4Array(lasts),
    textArray(keys.flat()),
  ]);
  const byKey = new Map(rows.map((row) => [idOf(row as unknown as TransactionKey), row]));
  return items.map((item) => byKey.get(idOf(item.key)));
}

/** Why an item changes nothing; undefined: by what is there now, it would. */
function refusal(item: WriteItem, row: Row | undefined): WriteOutcome | undefined {
  const head = row === undefined ? undefined : headOf(row);
  switch (item.kind) {
    case 'insert':
      return head === undefined ? undefined : transitions.insertOverExisting(item, head);
    case 'update':
      return transitions.updateRefused(item, head);
    case 'append':
      return transitions.appendRefused(item, head, existingOf(item, row, Infinity));
  }
}

/** The entries of an append that are among the first `count` of its record, in the order of the item. */
function existingOf(item: WriteItem, row: Row | undefined, count: number): Entry[] {
  if (item.kind !== 'append' || row === undefined) return [];
  const { keys, positions, bodies } = row as unknown as EntriesRow;
  const there = new Map<string, Entry>();
  for (const [i, key] of (keys ?? []).entries()) {
    const body = bodies?.[i];
    if (body !== undefined && (positions?.[i] ?? Infinity) <= count) there.set(key, { key, body });
  }
  return item.entries.flatMap(({ key }) => there.get(key) ?? []);
}

/** Neither holds a NUL, so no two keys give the same text. */
const idOf = (key: TransactionKey): string => `${key.namespace}\0${key.gid}`;
