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
import type { Connection, Row } from './connection.ts';
import { KV_DELETE, KV_GET, KV_INSERT, KV_SCAN, KV_UPDATE } from './statements/index.ts';
import type { StoreClock } from './store-clock.ts';

interface KeyValueRow extends KeyValueId {
  readonly value: string;
  readonly version: number;
  readonly created_at: number;
  readonly updated_at: number;
}

/** The versioned key-values. */
export class KeyValues {
  readonly #connection: Connection;
  readonly #clock: StoreClock;

  constructor(connection: Connection, clock: StoreClock) {
    this.#connection = connection;
    this.#clock = clock;
  }

  async get(id: KeyValueId): Promise<KeyValue | undefined> {
    const [row] = await this.#connection.query(KV_GET, idValues(id));
    return row && keyValueOf(row);
  }

  async put(id: KeyValueId, value: string, expectVersion: number): Promise<PutOutcome> {
    const values = [...this.#clock.parameters(), ...idValues(id), value];
    const rows = await (expectVersion === 0
      ? this.#connection.query(KV_INSERT, values)
      : this.#connection.query(KV_UPDATE, [...values, expectVersion]));
    return rows.length > 0 ? 'applied' : 'conflict';
  }

  async delete(id: KeyValueId, expectVersion: number): Promise<DeleteOutcome> {
    const [row] = await this.#connection.query(KV_DELETE, [...idValues(id), expectVersion]);
    if (row === undefined) return 'missing';
    return row['deleted'] === null ? 'conflict' : 'applied';
  }

  async scan(query: KeyValueQuery): Promise<Page<KeyValue>> {
    const { namespace, category, cursor, limit, maxBytes = STORE_LIMITS.responseBytes } = query;
    const after = cursor === undefined ? '' : decodeKeyCursor(cursor);
    const rows = await this.#connection.query(KV_SCAN, [namespace, category, after, limit + 1, maxBytes]);
    const items = rows.slice(0, limit).map(keyValueOf);
    return keyValuePage(items, Number(rows[0]?.['found'] ?? 0) > items.length);
  }
}

const idValues = ({ namespace, category, key }: KeyValueId): unknown[] => [namespace, category, key];

function keyValueOf(row: Row): KeyValue {
  const { namespace, category, key, value, version, created_at, updated_at } = row as unknown as KeyValueRow;
  return { namespace, category, key, value, version, createdAtMs: created_at, updatedAtMs: updated_at };
}
