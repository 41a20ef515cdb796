import {
  type DeleteOutcome,
  type KeyValue,
  type KeyValueId,
  type KeyValueQuery,
  type Page,
  type PutOutcome,
  STORE_LIMITS,
} from '@holdfast/core/store';
import { decodeKeyCursor, keyValuePage } from '@holdfast/core/store-kit';
import type { Reply } from './connection.ts';
import type { Installation } from './installation.ts';
import { listOf, textOf } from './records.ts';
import { KV_DELETE, KV_GET, KV_PUT, KV_SCAN } from './scripts/index.ts';

/** The versioned key-values. */
export class KeyValues {
  readonly #keys: Installation;

  constructor(keys: Installation) {
    this.#keys = keys;
  }

  async get(id: KeyValueId): Promise<KeyValue | undefined> {
    return keyValueOf(id, await this.#keys.run(KV_GET, argumentsOf(id)));
  }

  async put(id: KeyValueId, value: string, expectVersion: number): Promise<PutOutcome> {
    return (await this.#keys.run(KV_PUT, [...argumentsOf(id), value, expectVersion])) === 1 ? 'applied' : 'conflict';
  }

  async delete(id: KeyValueId, expectVersion: number): Promise<DeleteOutcome> {
    const done = await this.#keys.run(KV_DELETE, [...argumentsOf(id), expectVersion]);
    return done === 1 ? 'applied' : done === 2 ? 'missing' : 'conflict';
  }

  async scan(query: KeyValueQuery): Promise<Page<KeyValue>> {
    const { namespace, category, cursor, limit, maxBytes = STORE_LIMITS.responseBytes } = query;
    const after = cursor === undefined ? '' : decodeKeyCursor(cursor);
    const [more, rows] = listOf(await this.#keys.run(KV_SCAN, [namespace, category, after, limit, maxBytes]));
    const items = listOf(rows).flatMap((row) => {
      const [key, fields] = listOf(row);
      return keyValueOf({ namespace, category, key: textOf(key) }, fields) ?? [];
    });
    return keyValuePage(items, more === 1);
  }
}

const argumentsOf = ({ namespace, category, key }: KeyValueId): string[] => [namespace, category, key];

function keyValueOf(id: KeyValueId, reply: Reply | undefined): KeyValue | undefined {
  const [value, version, createdAt, updatedAt] = listOf(reply);
  if (version === null || version === undefined) return undefined;
  const { namespace, category, key } = id;
  const times = { createdAtMs: Number(textOf(createdAt)), updatedAtMs: Number(textOf(updatedAt)) };
  return { namespace, category, key, value: textOf(value), version: Number(textOf(version)), ...times };
}
