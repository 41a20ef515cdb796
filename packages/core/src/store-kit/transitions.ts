import { isFinal } from '@holdfast/protocol';
import type {
  AppendItem,
  Entry,
  InsertItem,
  SessionId,
  StoredTransaction,
  UpdateItem,
  WriteItem,
  WriteOutcome,
} from '../store/store.ts';

/**
 * The rules of the Store contract for one record, as pure functions. Store drivers that compare and
 * change records in this process (memory, LMDB) share them and only store and index; for store
 * drivers that do it in their database, the conformance suite checks the same rules.
 */

/** A record without its bodies. */
export interface RecordHead extends Omit<StoredTransaction, 'definition' | 'state' | 'entries'> {
  readonly entryCount: number;
}

const NO_ENTRIES: readonly Entry[] = [];

/** A record in the form that the store returns. */
export function storedTransaction(
  head: RecordHead,
  definition: Uint8Array,
  state: Uint8Array,
  entries: readonly Entry[],
): StoredTransaction {
  const record: StoredTransaction = {
    key: head.key,
    pattern: head.pattern,
    group: head.group,
    status: head.status,
    version: head.version,
    writeId: head.writeId,
    owner: head.owner,
    claims: head.claims,
    dueAtMs: head.dueAtMs,
    attention: head.attention,
    createdAtMs: head.createdAtMs,
    updatedAtMs: head.updatedAtMs,
    finishedAtMs: head.finishedAtMs,
    definition,
    state,
    entries,
  };
  if (head.unreadable === undefined) return record;
  const { unreadable, damaged, withoutBodies } = head;
  return { ...record, unreadable, ...(damaged && { damaged }), ...(withoutBodies && { withoutBodies }) };
}

/**
 * The record, marked as damaged if the number of its entries differs from `count`, which its head
 * states.
 */
export function withEntriesCounted(record: StoredTransaction, count: number): StoredTransaction {
  const { length } = record.entries;
  if (length === count) return record;
  return { ...record, unreadable: `${length} of its ${count} entries are stored`, damaged: true };
}

/** The outcome of an item that changed its record to `version`. */
export const applied = (version: number, existing: readonly Entry[] = NO_ENTRIES): WriteOutcome => ({
  kind: 'applied',
  version,
  existing,
});

const conflict = (head: RecordHead) => ({ kind: 'conflict', status: head.status, version: head.version }) as const;

/** The outcome of an insert whose key exists. */
export function insertOverExisting(item: InsertItem, head: RecordHead): WriteOutcome {
  return head.writeId === item.writeId ? applied(1) : conflict(head);
}

/** The outcome of an update that changes nothing; undefined: the update is to be applied. */
export function updateRefused(item: UpdateItem, head: RecordHead | undefined): WriteOutcome | undefined {
  if (head === undefined) return { kind: 'missing' };
  if (head.damaged === true) return item.expectVersion === 0 && isFinal(item.status) ? undefined : conflict(head);
  // A claim may have followed the write that is now repeated: the outcome has the version of that
  // write, so that its sender is fenced off.
  if (head.version !== item.expectVersion)
    return head.writeId === item.writeId ? applied(item.expectVersion + 1) : conflict(head);
  const isRefused = head.unreadable !== undefined || (isFinal(head.status) && !isFinal(item.status));
  return isRefused ? conflict(head) : undefined;
}

/**
 * The outcome of an append that changes nothing; undefined: the entries that are not in `existing`
 * are to be added.
 * @param entryBytes total size of all entry bodies of the record; called only if they are limited
 */
export function appendRefused(
  item: AppendItem,
  head: RecordHead | undefined,
  existing: readonly Entry[],
  entryBytes: () => number,
): WriteOutcome | undefined {
  if (head === undefined) return { kind: 'missing' };
  const added = item.entries.length - existing.length;
  if (added === 0) return applied(head.version, existing);
  const fits = item.whenPattern === undefined || item.whenPattern === head.pattern;
  if (!fits || head.unreadable !== undefined || !item.whenStatus.includes(head.status)) return conflict(head);
  if (head.entryCount + added > item.maxEntries) return { ...conflict(head), full: 'entries' };
  if (item.maxBytes === undefined) return undefined;
  const addedBytes = sumOfBodies(item.entries) - sumOfBodies(existingIn(item, existing));
  const there = head.entryCount === 0 ? 0 : entryBytes();
  return there + addedBytes > item.maxBytes ? { ...conflict(head), full: 'bytes' } : undefined;
}

/** Total size of the bodies of entries, in bytes. */
export const sumOfBodies = (entries: readonly Entry[]): number =>
  entries.reduce((sum, { body }) => sum + body.length, 0);

/** The item's entries that exist already, with the bodies of the item. */
function existingIn({ entries }: AppendItem, existing: readonly Entry[]): readonly Entry[] {
  const there = new Set(existing.map(({ key }) => key));
  return entries.filter(({ key }) => there.has(key));
}

/** The record that an insert creates. */
export function inserted(item: InsertItem, nowMs: number): RecordHead {
  return settled(item, nowMs, {
    createdAtMs: nowMs,
    finishedAtMs: null,
    pattern: item.pattern,
    group: item.group,
    version: 0,
    entryCount: 0,
  });
}

/** The record after an update. */
export const updated = (item: UpdateItem, before: RecordHead, nowMs: number): RecordHead =>
  settled(item, nowMs, before);

type Kept = Pick<
  RecordHead,
  'pattern' | 'group' | 'version' | 'createdAtMs' | 'finishedAtMs' | 'entryCount' | 'damaged'
>;

/**
 * The version of a record that replaced a damaged one, whose version is unknown: higher than any
 * version that a node may expect.
 */
export const REPLACED_VERSION = 2 ** 30;

function settled(item: Exclude<WriteItem, AppendItem>, nowMs: number, before: Kept): RecordHead {
  const final = isFinal(item.status);
  const owner = final ? null : item.owner;
  return {
    key: item.key,
    pattern: before.pattern,
    group: before.group,
    status: item.status,
    version: before.damaged === true ? REPLACED_VERSION : before.version + 1,
    writeId: item.writeId,
    owner,
    claims: owner === null ? 0 : 1,
    dueAtMs: final || owner !== null ? null : dueAt(item.dueInMs, nowMs),
    attention: item.attention,
    createdAtMs: before.createdAtMs,
    updatedAtMs: nowMs,
    finishedAtMs: final ? (before.finishedAtMs ?? nowMs) : null,
    entryCount: before.entryCount,
  };
}

const dueAt = (dueInMs: number | null, nowMs: number): number | null =>
  dueInMs === null ? null : Math.max(0, nowMs + Math.ceil(dueInMs));

/** The record after `added` entries were appended. */
export function appended(item: AppendItem, before: RecordHead, added: number, nowMs: number): RecordHead {
  const postponed = before.dueAtMs !== null && item.postponeMs !== undefined;
  return {
    ...before,
    version: before.version + 1,
    updatedAtMs: nowMs,
    entryCount: before.entryCount + added,
    dueAtMs: postponed ? dueAt(item.postponeMs ?? 0, nowMs) : before.dueAtMs,
  };
}

/** The record after a claim by a session. */
export const claimed = (before: RecordHead, owner: SessionId, nowMs: number): RecordHead => ({
  ...before,
  owner,
  dueAtMs: null,
  claims: before.claims + 1,
  version: before.version + 1,
  updatedAtMs: nowMs,
});

/** The record without an owner, due at once. */
export const madeDue = (before: RecordHead, nowMs: number): RecordHead => ({
  ...before,
  owner: null,
  dueAtMs: nowMs,
  version: before.version + 1,
  updatedAtMs: nowMs,
});
