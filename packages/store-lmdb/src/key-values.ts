import type { KeyValue, KeyValueId, KeyValueQuery, Page } from '@holdfast/core/store';
import { decodeKeyCursor, keyValuePage, Room } from '@holdfast/core/store-kit';
import { ByteReader, ByteWriter } from './bytes.ts';
import { type Durable, DurableWrite } from './write.ts';
import type { Environment } from './environment.ts';
import { checkFormat, VALUE_FORMAT } from './formats.ts';
import * as keys from './keys.ts';

/** Reads one versioned key-value. */
export function getKeyValue(env: Environment, { namespace, category, key }: KeyValueId): KeyValue | undefined {
  const value = env.read(keys.keyValueKey(new ByteWriter(512), namespace, category, key));
  return value && readKeyValue({ namespace, category, key }, value);
}

function readKeyValue(id: KeyValueId, value: Uint8Array): KeyValue {
  const from = new ByteReader(value);
  checkFormat(from.u8());
  const version = from.u32();
  const createdAtMs = from.u48();
  const updatedAtMs = from.u48();
  return { ...id, value: from.lastText(), version, createdAtMs, updatedAtMs };
}

/** Writes a key-value if the stored version is the expected one. */
export async function putKeyValue(
  store: Durable,
  id: KeyValueId,
  value: string,
  expectVersion: number,
): Promise<'applied' | 'conflict'> {
  const stored = getKeyValue(store.env, id);
  if ((stored?.version ?? 0) !== expectVersion) return 'conflict';
  const write = new DurableWrite(store);
  const { writer } = store.changes;
  const key = keys.keyValueKey(writer, id.namespace, id.category, id.key);
  const start = writer.position;
  writer.u8(VALUE_FORMAT).u32(expectVersion + 1);
  writer
    .u48(stored?.createdAtMs ?? write.nowMs)
    .u48(write.nowMs)
    .lastText(value);
  write.put(key, start);
  await write.commit();
  return 'applied';
}

/** Deletes a key-value if the stored version is the expected one. */
export async function deleteKeyValue(
  store: Durable,
  id: KeyValueId,
  expectVersion: number,
): Promise<'applied' | 'conflict' | 'missing'> {
  const stored = getKeyValue(store.env, id);
  if (stored === undefined) return 'missing';
  if (stored.version !== expectVersion) return 'conflict';
  const write = new DurableWrite(store);
  write.remove(keys.keyValueKey(store.changes.writer, id.namespace, id.category, id.key));
  await write.commit();
  return 'applied';
}

/** One page of a category, ordered by key. */
export function scanKeyValues(env: Environment, query: KeyValueQuery): Page<KeyValue> {
  const { namespace, category, cursor, limit, maxBytes } = query;
  const writer = new ByteWriter(1024);
  const range = keys.keyValueRange(writer, namespace, category);
  // The first key after another is that key followed by a zero byte.
  const start =
    cursor === undefined ? range.start : keys.keyValueKey(writer, namespace, category, `${decodeKeyCursor(cursor)}\0`);
  const room = new Room(limit, maxBytes);
  const items: KeyValue[] = [];
  for (const { key, value } of env.scan({ start, end: range.end }, { limit: limit + 1 })) {
    if (!room.take(value.length) && items.length > 0) return keyValuePage(items, true);
    items.push(readKeyValue({ namespace, category, key: keys.readKeyValueKey(key, range) }, value));
  }
  return keyValuePage(items, false);
}
