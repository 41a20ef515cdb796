import {
  decodeKeyCursor,
  encodeKeyCursor,
  type KeyValue,
  type KeyValueId,
  type Page,
  type Store,
} from '@holdfast/core';
import type { Row } from './call.ts';
import type { Parts } from './parts.ts';
import { string } from './rows.ts';
import { text } from './sql.ts';

const where = ({ namespace, category, key }: KeyValueId): string =>
  `namespace = ${text(namespace)} and category = ${text(category)} and name = ${text(key)}`;

/** The versioned key-values. */
export class KeyValues {
  readonly #parts: Parts;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  async get(id: KeyValueId): Promise<KeyValue | undefined> {
    const { rest, tables } = this.#parts;
    const [answer] = await rest.call({
      statements: [`select * from ${tables.keyValues} where ${where(id)}`],
      changes: false,
    });
    const [row] = answer?.rows ?? [];
    return row && keyValueOf(row);
  }

  async put(id: KeyValueId, value: string, expectVersion: number): ReturnType<Store['kvPut']> {
    const { rest, tables, clock } = this.#parts;
    const statement =
      expectVersion === 0
        ? `insert into ${tables.keyValues} values (${text(id.namespace)}, ${text(id.category)}, ${text(id.key)}, ${text(value)}, 1, @now, @now)
on duplicate key update version = ${tables.keyValues}.version`
        : `update ${tables.keyValues} set value = ${text(value)}, version = version + 1, updated_at = @now where ${where(id)} and version = ${expectVersion}`;
    const answers = await rest.call({ statements: [clock.set(), statement], changes: true });
    return (answers[1]?.changed ?? 0) > 0 ? 'applied' : 'conflict';
  }

  async delete(id: KeyValueId, expectVersion: number): ReturnType<Store['kvDelete']> {
    const { rest, tables } = this.#parts;
    const [gone, left] = await rest.call({
      changes: true,
      statements: [
        `delete from ${tables.keyValues} where ${where(id)} and version = ${expectVersion}`,
        `select count(*) as n from ${tables.keyValues} where ${where(id)}`,
      ],
    });
    if ((gone?.changed ?? 0) > 0) return 'applied';
    return Number(left?.rows[0]?.['n']) > 0 ? 'conflict' : 'missing';
  }

  async scan({ namespace, category, cursor, limit }: Parameters<Store['kvScan']>[0]): Promise<Page<KeyValue>> {
    const { rest, tables } = this.#parts;
    const after = cursor === undefined ? '' : decodeKeyCursor(cursor);
    const statement = `select * from ${tables.keyValues}
where namespace = ${text(namespace)} and category = ${text(category)} and name > ${text(after)} order by name limit ${limit + 1}`;
    const [answer] = await rest.call({ statements: [statement], changes: false });
    const rows = answer?.rows ?? [];
    const items = rows.slice(0, limit).map(keyValueOf);
    const last = items.at(-1);
    return { items, next: last !== undefined && rows.length > items.length ? encodeKeyCursor(last.key) : null };
  }
}

const keyValueOf = (row: Row): KeyValue => ({
  namespace: string(row['namespace']),
  category: string(row['category']),
  key: string(row['name']),
  value: string(row['value']),
  version: Number(row['version']),
  createdAtMs: Number(row['created_at']),
  updatedAtMs: Number(row['updated_at']),
});
