import assert from 'node:assert/strict';
import type {
  AppendItem,
  Entry,
  InsertItem,
  Store,
  StoredTransaction,
  UpdateItem,
  WriteItem,
  WriteOutcome,
} from '@holdfast/core/store';
import { DEFAULT_NAMESPACE, type TransactionKey } from '@holdfast/protocol';

/** A key, by default in the default namespace. */
export const keyOf = (gid: string, namespace: string = DEFAULT_NAMESPACE): TransactionKey => ({ namespace, gid });

export const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
export const textOf = (body: Uint8Array): string => new TextDecoder().decode(body);

let writes = 0;
/** Returns a write ID that was not used before. */
export const newWriteId = (): string => `write-${++writes}`;

/** An insert, by default of an unowned saga that is due at once. */
export const insertOf = (
  key: string | TransactionKey,
  settings: Partial<Omit<InsertItem, 'kind' | 'key'>> = {},
): InsertItem => ({
  kind: 'insert',
  key: typeof key === 'string' ? keyOf(key) : key,
  writeId: newWriteId(),
  status: 'submitted',
  owner: null,
  dueInMs: settings.owner === undefined || settings.owner === null ? 0 : null,
  attention: false,
  pattern: 'saga',
  group: '',
  definition: bytes('definition'),
  state: bytes('state 1'),
  ...settings,
});

/** An update, by default one that leaves the record unowned and due at once. */
export const updateOf = (
  key: string | TransactionKey,
  expectVersion: number,
  settings: Partial<Omit<UpdateItem, 'kind' | 'key' | 'expectVersion'>> = {},
): UpdateItem => ({
  kind: 'update',
  key: typeof key === 'string' ? keyOf(key) : key,
  expectVersion,
  writeId: newWriteId(),
  status: 'submitted',
  owner: null,
  dueInMs: settings.owner === undefined || settings.owner === null ? 0 : null,
  attention: false,
  state: bytes(`state ${expectVersion + 1}`),
  ...settings,
});

export const entryOf = (key: string, body = `body of ${key}`): Entry => ({ key, body: bytes(body) });

/** An append to a prepared or submitted record, with room for 100 entries. */
export const appendOf = (
  key: string | TransactionKey,
  entries: readonly (Entry | string)[],
  settings: Partial<Omit<AppendItem, 'kind' | 'key' | 'entries'>> = {},
): AppendItem => ({
  kind: 'append',
  key: typeof key === 'string' ? keyOf(key) : key,
  entries: entries.map((entry) => (typeof entry === 'string' ? entryOf(entry) : entry)),
  whenStatus: ['prepared', 'submitted'],
  maxEntries: 100,
  ...settings,
});

/** Writes one item; resolves to its outcome. */
export async function writeOne(store: Store, item: WriteItem): Promise<WriteOutcome> {
  const [outcome] = await store.write([item]);
  assert.ok(outcome, 'an item was left without an outcome');
  return outcome;
}

/** Writes items in one batch and asserts that all are applied. */
export async function writeAll(store: Store, items: readonly WriteItem[]): Promise<void> {
  const outcomes = await store.write(items);
  for (const [i, outcome] of outcomes.entries())
    assert.equal(outcome.kind, 'applied', `item ${i} (gid ${items[i]?.key.gid}) was not applied`);
}

export const applied = (version: number, existing: readonly Entry[] = []): WriteOutcome => ({
  kind: 'applied',
  version,
  existing,
});

/** Reads the record of a key; fails if there is none. */
export async function read(store: Store, key: string | TransactionKey): Promise<StoredTransaction> {
  const [record] = await store.get([typeof key === 'string' ? keyOf(key) : key]);
  assert.ok(record, `no record of gid ${typeof key === 'string' ? key : key.gid}`);
  return record;
}

/** The record with bodies as texts, so that differences are readable. */
export const readable = (record: StoredTransaction): Record<string, unknown> => ({
  ...record,
  definition: textOf(record.definition),
  state: textOf(record.state),
  entries: record.entries.map((entry) => ({ key: entry.key, body: textOf(entry.body) })),
});

/** Opens a session and returns its ID. */
export async function openSession(store: Store, session: string): Promise<string> {
  await store.openSession(session, { node: 'suite', version: '1.0.0' });
  return session;
}
