import { STATUSES } from '@holdfast/protocol';
import type { Tables } from './schema.ts';
import { type LiteralRow, number, text, valuesOf, word } from './sql.ts';
import type { Standing } from './standings.ts';
import { TELL_NOW } from './store-clock.ts';

/** Rows of counters a namespace: two connections seldom wait for each other's. */
const SLOTS = 64;
const COUNTED = [...STATUSES, 'attention'];

/** How many rows are so, by what is counted. */
type Counts = Record<string, number>;

/**
 * Counts, in the same transaction, what a call changed. The counters of a namespace are spread over rows, one of which a connection adds to; their sum is what
 * there is. Records are changed before; then one row a namespace, in the order of namespaces: so no two calls ever wait for each other.
 */
const adding = (tables: Tables, rows: string): string =>
  `insert into ${tables.counters} (namespace, slot, ${COUNTED.join(', ')}, last_at)
${rows}
on duplicate key update ${COUNTED.map((name) => `${name} = ${tables.counters}.${name} + values(${name})`).join(', ')}, last_at = greatest(${tables.counters}.last_at, values(last_at))`;

const SLOT = `connection_id() % ${SLOTS}`;

/** What records come to and go from, by namespace. */
export class Changes {
  readonly #byNamespace = new Map<string, Counts>();

  /** @param before undefined: the record is new */
  add(namespace: string, after: Standing, before: Standing | undefined): void {
    const found = this.#byNamespace.get(namespace);
    const counts = found ?? Object.fromEntries(COUNTED.map((name) => [name, 0]));
    if (found === undefined) this.#byNamespace.set(namespace, counts);
    count(counts, after, 1);
    if (before !== undefined) count(counts, before, -1);
  }

  /** The statement that counts them. `last_insert_id` is `@now` then. */
  counted(tables: Tables): string {
    const rows = [...this.#byNamespace]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([namespace, counts]): LiteralRow => [
        ...[text(namespace), SLOT],
        ...COUNTED.map((name) => number(counts[name] ?? 0)),
        TELL_NOW,
      ]);
    return adding(tables, `values ${valuesOf(rows)}`);
  }
}

function count(counts: Counts, { status, attention }: Standing, by: 1 | -1): void {
  counts[status] = (counts[status] ?? 0) + by;
  if (attention) counts['attention'] = (counts['attention'] ?? 0) + by;
}

/** The statement that takes away what a call is about to delete, which it has marked as its own. */
export const uncounted = (tables: Tables, ids: readonly string[], callId: string): string =>
  adding(
    tables,
    `select t.namespace, ${SLOT}, ${STATUSES.map((name) => `-sum(t.status = ${word(name)})`).join(', ')}, -sum(t.attention), @now
from ${tables.transactions} t force index (primary)
where t.id in (${ids.map(text).join(', ')}) and t.applied_by = ${callId}
group by t.namespace order by t.namespace`,
  );

/** The sums of one namespace, or of all. */
export const sums = (tables: Tables, namespace: string | undefined): string =>
  `select ${COUNTED.map((name) => `cast(coalesce(sum(${name}), 0) as signed) as ${name}`).join(', ')} from ${tables.counters}${
    namespace === undefined ? '' : ` where namespace = ${namespace}`
  }`;
