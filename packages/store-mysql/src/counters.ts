import { COUNTED, type CountsByNamespace } from '@holdfast/core/store-kit';
import { STATUSES } from '@holdfast/protocol';
import type { Tables } from './schema.ts';
import { type LiteralRow, number, text, valuesOf, word } from './sql.ts';
import { RETURN_NOW } from './store-clock.ts';

/**
 * Counter rows per namespace: with this number two connections seldom wait for each other's row.
 */
const SLOTS = 64;

/**
 * Counts the changes of a call in the same transaction. The counters of a namespace are spread over
 * several rows; a connection adds to one of them, and the count is their sum. Records are changed
 * first, then one row per namespace is updated, in the order of namespaces, so that no two calls
 * wait for each other in a cycle.
 */
const adding = (tables: Tables, rows: string): string =>
  `insert into ${tables.counters} (namespace, slot, ${COUNTED.join(', ')}, last_at)
${rows}
on duplicate key update ${COUNTED.map((name) => `${name} = ${tables.counters}.${name} + values(${name})`).join(', ')}, last_at = greatest(${tables.counters}.last_at, values(last_at))`;

const SLOT = `connection_id() % ${SLOTS}`;

/** The statement that applies the changes. It sets `last_insert_id` to `@now`. */
export function counted(tables: Tables, changes: CountsByNamespace): string {
  const rows = [...changes.entries()]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([namespace, counts]): LiteralRow => [text(namespace), SLOT, ...counts.map(number), RETURN_NOW]);
  return adding(tables, `values ${valuesOf(rows)}`);
}

/**
 * The statement that subtracts the records that a call is about to delete, which the call has
 * marked.
 */
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
