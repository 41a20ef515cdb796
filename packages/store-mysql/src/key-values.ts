import type { DeleteOutcome, KeyValue, KeyValueId, KeyValueQuery, Page, PutOutcome } from '@holdfast/core/store';
import { decodeKeyCursor, encodeKeyCursor, Room } from '@holdfast/core/store-kit';
import type { Row } from './call.ts';
import type { Parts } from './parts.ts';
import { string } from './records.ts';
import { number, text } from './sql.ts';

const where = ({ namespace, category, key }: KeyValueId): string =>
  `namespace = ${text(namespace)} and category = ${text(category)} and name = ${text(key)}`;

/** Named individually, since a later version may add others. */
const COLUMNS = 'namespace, category, name, value, version, created_at, updated_at';

/** The versioned key-values. */
export class KeyValues {
  readonly #parts: Parts;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  async get(id: KeyValueId): Promise<KeyValue | undefined> {
    const { rest, tables } = this.#parts;
    const [result] = await rest.call({
      statements: [`select ${COLUMNS} from ${tables.keyValues} where ${where(id)}`],
      changes: false,
    });
    const [row] = result?.rows ?? [];
    return row && keyValueOf(row);
  }

  async put(id: KeyValueId, value: string, expectVersion: number): Promise<PutOutcome> {
    const { rest, tables, clock } = this.#parts;
    const statement =
      expectVersion === 0
        ? `insert into ${tables.keyValues} (${COLUMNS})
values (${text(id.namespace)}, ${text(id.category)}, ${text(id.key)}, ${text(value)}, 1, @now, @now)
on duplicate key update version = ${tables.keyValues}.version`
        : `update ${tables.keyValues} set value = ${text(value)}, version = version + 1, updated_at = @now where ${where(id)} and version = ${number(expectVersion)}`;
    const results = await rest.call({ statements: [clock.set(), statement], changes: true });
    return (results[1]?.changed ?? 0) > 0 ? 'applied' : 'conflict';
  }

  async delete(id: KeyValueId, expectVersion: number): Promise<DeleteOutcome> {
    const { rest, tables } = this.#parts;
    const [gone, left] = await rest.call({
      changes: true,
      statements: [
        `delete from ${tables.keyValues} where ${where(id)} and version = ${number(expectVersion)}`,
        `select count(*) as n from ${tables.keyValues} where ${where(id)}`,
      ],
    });
    if ((gone?.changed ?? 0) > 0) return 'applied';
    return Number(left?.rows[0]?.['n']) > 0 ? 'conflict' : 'missing';
  }

  /** Reads the lengths first, then only the values that fit. */
  async scan(query: KeyValueQuery): Promise<Page<KeyValue>> {
    const { namespace, category, cursor, limit, maxBytes } = query;
    const from = `from ${this.#parts.tables.keyValues} where namespace = ${text(namespace)} and category = ${text(category)}`;
    const after = `${from} and name > ${text(cursor === undefined ? '' : decodeKeyCursor(cursor))}`;
    const found = await this.#rows(
      `select name, length(value) as bytes ${after} order by name limit ${number(limit + 1)}`,
    );
    const room = new Room(limit, maxBytes);
    const beyond = found.findIndex((row) => !room.take(Number(row['bytes'])));
    const last = found.at(beyond < 0 ? -1 : beyond - 1);
    if (last === undefined) return { items: [], next: null };
    const key = string(last['name']);
    // Excludes what was deleted between the two statements; what was created is left to the next
    // page.
    const count = beyond < 0 ? found.length : beyond;
    const rows = await this.#rows(
      `select ${COLUMNS} ${after} and name <= ${text(key)} order by name limit ${number(count)}`,
    );
    const items = rows.map(keyValueOf);
    const end = rows.length === count ? (items.at(-1)?.key ?? key) : key;
    return { items, next: beyond < 0 && end === key ? null : encodeKeyCursor(end) };
  }

  async #rows(statement: string): Promise<readonly Row[]> {
    const [result] = await this.#parts.rest.call({ statements: [statement], changes: false });
    return result?.rows ?? [];
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
