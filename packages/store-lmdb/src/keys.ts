import type { TransactionKey } from '@holdfast/protocol';
import { ByteReader, ByteWriter } from './bytes.ts';

/**
 * Keys are typed tuples: a byte for the kind, then fields of fixed length, texts preceded by their
 * length, and at most one plain text at the end. No key can therefore be confused with another,
 * whatever its texts contain, and each range below covers exactly one transaction, group or
 * category.
 */
const KEY = {
  meta: 1,
  counts: 2,
  keyValue: 3,
  due: 4,
  owned: 5,
  finished: 6,
  gid: 7,
  entry: 8,
  record: 9,
} as const;

/**
 * The place of a record in the file: its key and its time of creation, by which records are
 * ordered.
 */
export interface RecordPlace {
  readonly key: TransactionKey;
  readonly createdAtMs: number;
}

/**
 * A record is written whole when it is created; later changes are written to a second value beside
 * it.
 */
export const RECORD_PARTS = { birth: 0, change: 1 } as const;

type Key = Uint8Array;

const END_OF_RANGE = 0xff;

const metaKey = (name: string): Key => new ByteWriter(16).u8(KEY.meta).lastText(name).since(0);

export const SCHEMA_KEY = metaKey('schema');
/** High-water marks of time and of the sequence of writes. */
export const CLOCK_KEY = metaKey('clock');

export function countsKey(to: ByteWriter, namespace: string): Key {
  const start = to.position;
  return to.u8(KEY.counts).lastText(namespace).since(start);
}

/** The key of a value that maps a gid to the time of its record's creation. */
export function gidKey(to: ByteWriter, { namespace, gid }: TransactionKey): Key {
  const start = to.position;
  return to.u8(KEY.gid).text(namespace).lastText(gid).since(start);
}

export function recordKey(to: ByteWriter, place: RecordPlace, part: number): Key {
  const start = to.position;
  return to.u8(KEY.record).text(place.key.namespace).u48(place.createdAtMs).text(place.key.gid).u8(part).since(start);
}

/** The bound below which the records of a namespace are that were created before a time. */
export function recordsCreatedBefore(to: ByteWriter, namespace: string, createdAtMs: number): Key {
  const start = to.position;
  return to.u8(KEY.record).text(namespace).u48(createdAtMs).since(start);
}

/**
 * The bound below which the records before this one are; it is below every part of the record
 * itself.
 */
export function recordsBelow(to: ByteWriter, { key, createdAtMs }: RecordPlace): Key {
  const start = to.position;
  return to.u8(KEY.record).text(key.namespace).u48(createdAtMs).text(key.gid).since(start);
}

export function readRecordKey(bytes: Key): RecordPlace & { readonly part: number } {
  const from = new ByteReader(bytes, 1);
  const namespace = from.text();
  const createdAtMs = from.u48();
  return { key: { namespace, gid: from.text() }, createdAtMs, part: from.u8() };
}

/** Whether two keys are of parts of one record: such keys differ only in their last byte. */
export function areOfOneRecord(a: Key, b: Key): boolean {
  if (a.length !== b.length) return false;
  // From the end, where keys of neighbouring records differ.
  for (let i = a.length - 2; i >= 0; i--) if (a[i] !== b[i]) return false;
  return true;
}

export function entryKey(to: ByteWriter, place: RecordPlace, entry: string): Key {
  const start = to.position;
  return entryPrefix(to, place).lastText(entry).since(start);
}

const entryPrefix = (to: ByteWriter, { key, createdAtMs }: RecordPlace): ByteWriter =>
  to.u8(KEY.entry).text(key.namespace).u48(createdAtMs).text(key.gid);

/** All entries of a record. */
export const entryRange = (to: ByteWriter, place: RecordPlace): Range => rangeOf(to, () => entryPrefix(to, place));

/** The name of an entry of this record. */
export const readEntryKey = (bytes: Key, range: Range): string => new ByteReader(bytes, range.start.length).lastText();

export function dueKey(to: ByteWriter, group: string, dueAtMs: number, { namespace, gid }: TransactionKey): Key {
  const start = to.position;
  return to.u8(KEY.due).text(group).u48(dueAtMs).text(namespace).lastText(gid).since(start);
}

/** Waiting transactions of a group, due from `fromMs` to just before `beforeMs`. */
export function dueRange(to: ByteWriter, group: string, fromMs: number, beforeMs: number): Range {
  const bound = (atMs: number): Key => {
    const start = to.position;
    return to
      .u8(KEY.due)
      .text(group)
      .u48(Math.min(Math.max(0, atMs), LAST_MS))
      .since(start);
  };
  return { start: bound(fromMs), end: bound(beforeMs) };
}

/** The last time that a key can hold. */
export const LAST_MS = 2 ** 48 - 1;

/** All waiting transactions of the groups after this one. */
export function dueAfterGroup(to: ByteWriter, group: string): Range {
  const start = to.position;
  const first = to.u8(KEY.due).text(group).u48(LAST_MS).u8(END_OF_RANGE).since(start);
  return { start: first, end: allOf(to, KEY.due).end };
}

export function readDueKey(bytes: Key): { group: string; dueAtMs: number; key: TransactionKey } {
  const from = new ByteReader(bytes, 1);
  const group = from.text();
  const dueAtMs = from.u48();
  const namespace = from.text();
  return { group, dueAtMs, key: { namespace, gid: from.lastText() } };
}

/** A block of records that became owned in one write. */
export function ownedKey(to: ByteWriter, sequence: number): Key {
  const start = to.position;
  return to.u8(KEY.owned).u48(sequence).since(start);
}

export const readOwnedKey = (bytes: Key): number => new ByteReader(bytes, 1).u48();

/** A block of records that finished in one write. */
export function finishedKey(to: ByteWriter, finishedAtMs: number, sequence: number): Key {
  const start = to.position;
  return to.u8(KEY.finished).u48(finishedAtMs).u48(sequence).since(start);
}

export function finishedBefore(to: ByteWriter, finishedAtMs: number): Range {
  const start = to.position;
  const end = to
    .u8(KEY.finished)
    .u48(Math.min(Math.max(0, finishedAtMs), LAST_MS))
    .since(start);
  return { start: allOf(to, KEY.finished).start, end };
}

export function keyValueKey(to: ByteWriter, namespace: string, category: string, key: string): Key {
  const start = to.position;
  return to.u8(KEY.keyValue).text(namespace).text(category).lastText(key).since(start);
}

export const keyValueRange = (to: ByteWriter, namespace: string, category: string): Range =>
  rangeOf(to, () => to.u8(KEY.keyValue).text(namespace).text(category));

/** The last field of a key-value's key. */
export const readKeyValueKey = (bytes: Key, range: Range): string =>
  new ByteReader(bytes, range.start.length).lastText();

/** From `start` to just before `end`. */
export interface Range {
  readonly start: Key;
  readonly end: Key;
}

export const allCounts = (to: ByteWriter): Range => allOf(to, KEY.counts);
export const allDue = (to: ByteWriter): Range => allOf(to, KEY.due);
export const allOwned = (to: ByteWriter): Range => allOf(to, KEY.owned);

const allOf = (to: ByteWriter, kind: number): Range => rangeOf(to, () => to.u8(kind));

/**
 * Every key that begins with the bytes that `write` writes. No field can begin with the byte 0xff
 * (texts are UTF-8).
 */
function rangeOf(to: ByteWriter, write: () => ByteWriter): Range {
  const from = to.position;
  const start = write().since(from);
  const again = to.position;
  return { start, end: to.bytes(start).u8(END_OF_RANGE).since(again) };
}
