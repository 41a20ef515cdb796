import { isFinal, LIMITS, type TransactionKey } from '@holdfast/protocol';
import { type AppendItem, type KeyValueId, type ListQuery, StoreError, type WriteItem } from './store.ts';

/** Limits of a store's arguments, beyond those of the protocol; lengths are in UTF-16 units. */
export const STORE_LIMITS = {
  /** Items of one batch. */
  batchItems: 5_000,
  /**
   * Definition, state and entry bodies of one item, in bytes: every supported database can store
   * this in one value.
   */
  itemBytes: 8 * 1024 * 1024,
  entryKeyLength: 384,
  groupLength: 128,
  /** Application groups of one claim. */
  groups: 1_000,
  sessionLength: 256,
  writeIdLength: 128,
  categoryLength: 64,
  keyLength: 256,
  /** Transactions of one claim, takeover, purge or makeDue. */
  changeLimit: 10_000,
  /** Longest duration, and latest time: about 300 years. */
  durationMs: 10_000_000_000_000,
  /** Default limit of the bodies of one page or claim, in bytes. */
  responseBytes: 4 * 1024 * 1024,
  /** Maximum limit of the bodies of one page or claim, in bytes. */
  longestResponseBytes: 64 * 1024 * 1024,
  /** Keys of one `get`. */
  getKeys: 10_000,
  /** Sessions that one `takeOver` may end. */
  unchanged: 1_000,
} as const;

/**
 * Whether every store can keep a text: it contains neither NUL nor unpaired surrogates, which no
 * supported database stores distinctly.
 */
export const isStorable = (text: string): boolean => text.isWellFormed() && !text.includes('\0');

const invalid = (message: string): StoreError => new StoreError('invalid', message);

/**
 * Throws `invalid` unless every store can keep the text and it has 1 to `longest` units (`shortest`
 * 0: may be empty).
 */
export function checkText(what: string, text: string, longest: number, shortest: 0 | 1 = 1): void {
  if (text.length < shortest || text.length > longest)
    throw invalid(`${what} has ${text.length} characters; ${shortest} to ${longest} are allowed`);
  if (!isStorable(text)) throw invalid(`${what} contains a NUL or half a surrogate pair, which no store can keep`);
}

/** Throws `invalid` unless namespace and gid can be stored. */
export function checkKey(key: TransactionKey): void {
  checkNamespace(key.namespace);
  checkText('the gid', key.gid, LIMITS.gidLength);
}

/** Throws `invalid` unless the namespace can be stored. */
export const checkNamespace = (namespace: string): void =>
  checkText('the namespace', namespace, LIMITS.namespaceLength);

/** Throws `invalid` unless it is a whole number from 1 to `most`. */
export function checkLimit(limit: number, most: number): void {
  if (!Number.isInteger(limit) || limit < 1 || limit > most)
    throw invalid(`limit is ${limit}; 1 to ${most} are allowed`);
}

/** Throws `invalid` unless a limit in bytes is a whole number that a store can return at once. */
export function checkMaxBytes(maxBytes: number | undefined): void {
  const most = STORE_LIMITS.longestResponseBytes;
  if (maxBytes !== undefined && (!Number.isInteger(maxBytes) || maxBytes < 1 || maxBytes > most))
    throw invalid(`maxBytes is ${maxBytes}; 1 to ${most} are allowed`);
}

/** Throws `invalid` unless every database can add this number of milliseconds to its time. */
export function checkMs(what: string, ms: number): void {
  if (!(Math.abs(ms) <= STORE_LIMITS.durationMs))
    throw invalid(`${what} is ${ms}; it must be a number of milliseconds, at most ${STORE_LIMITS.durationMs}`);
}

/** Throws `invalid` unless the number is a possible version of a record, or 0. */
export function checkVersion(version: number): void {
  if (!Number.isSafeInteger(version) || version < 0)
    throw invalid(`expectVersion is ${String(version)}; it must be a whole number, at least 0`);
}

/**
 * Throws `invalid` unless the batch follows the contract, and `rejected` if an item is larger than
 * a store can keep.
 */
export function checkBatch(batch: readonly WriteItem[]): void {
  if (batch.length > STORE_LIMITS.batchItems)
    throw invalid(`a batch of ${batch.length} items; at most ${STORE_LIMITS.batchItems} are allowed`);
  for (const item of batch) checkItem(item);
  if (batch.length > 1 && !areDistinct(batch)) throw invalid('a batch must have at most one item per transaction');
}

function areDistinct(batch: readonly WriteItem[]): boolean {
  // Nearly every batch: gids differ, so keys need not be joined.
  if (new Set(batch.map(({ key }) => key.gid)).size === batch.length) return true;
  // Neither part contains a NUL, so the texts of different keys differ.
  return new Set(batch.map(({ key }) => `${key.namespace}\0${key.gid}`)).size === batch.length;
}

function checkItem(item: WriteItem): void {
  checkKey(item.key);
  if (item.kind === 'append') return checkAppend(item);
  if (item.kind === 'update') checkVersion(item.expectVersion);
  checkText('the write id', item.writeId, STORE_LIMITS.writeIdLength);
  if (item.owner !== null) checkText('the owner', item.owner, STORE_LIMITS.sessionLength);
  if (item.dueInMs !== null) {
    checkMs('dueInMs', item.dueInMs);
    if (item.owner !== null && !isFinal(item.status))
      throw invalid(`gid ${item.key.gid}: an owned record has no due time; release it or leave dueInMs null`);
  }
  if (item.kind === 'insert') checkText('the group', item.group, STORE_LIMITS.groupLength, 0);
  checkSize(item, item.state.length + (item.kind === 'insert' ? item.definition.length : 0));
}

function checkAppend(item: AppendItem): void {
  if (item.postponeMs !== undefined) checkMs('postponeMs', item.postponeMs);
  if (item.maxBytes !== undefined && !(Number.isSafeInteger(item.maxBytes) && item.maxBytes >= 0))
    throw invalid(`gid ${item.key.gid}: maxBytes is ${item.maxBytes}; it must be a whole number of bytes`);
  if (item.entries.length === 0) throw invalid(`gid ${item.key.gid}: an append without entries`);
  let bytes = 0;
  for (const entry of item.entries) {
    checkText('an entry key', entry.key, STORE_LIMITS.entryKeyLength);
    bytes += entry.body.length;
  }
  if (item.entries.length > 1 && new Set(item.entries.map((entry) => entry.key)).size !== item.entries.length)
    throw invalid(`gid ${item.key.gid}: an append names an entry twice`);
  checkSize(item, bytes);
}

function checkSize(item: WriteItem, bytes: number): void {
  if (bytes > STORE_LIMITS.itemBytes)
    throw new StoreError(
      'rejected',
      `gid ${item.key.gid}: ${bytes} bytes in one item; at most ${STORE_LIMITS.itemBytes} can be stored`,
    );
}

/** Throws `invalid` unless namespace, category and key can be stored. */
export function checkKeyValueId(id: KeyValueId): void {
  checkNamespace(id.namespace);
  checkText('the category', id.category, STORE_LIMITS.categoryLength);
  checkText('the key', id.key, STORE_LIMITS.keyLength);
}

/** Throws `invalid` unless the values of the query can be stored. */
export function checkListQuery(query: ListQuery): void {
  checkNamespace(query.namespace);
  checkLimit(query.limit, LIMITS.pageSize);
  checkMaxBytes(query.maxBytes);
  if (query.gid !== undefined) checkText('the gid', query.gid, LIMITS.gidLength);
  if (query.createdFromMs !== undefined) checkMs('createdFromMs', query.createdFromMs);
  if (query.createdToMs !== undefined) checkMs('createdToMs', query.createdToMs);
}
