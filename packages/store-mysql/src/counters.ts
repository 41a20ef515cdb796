import { STATUSES, type TransactionKey } from '@holdfast/protocol';
import { idOf } from './rows.ts';
import type { Tables } from './schema.ts';
import { text } from './sql.ts';

/** Rows of counters a namespace: two connections seldom wait for each other's. */
const SLOTS = 64;
const COUNTED = [...STATUSES, 'attention'];

/** How many of the rows are so; a row is 1 or 0 of each. */
const sumOf = (name: string, side: '' | 'before_'): string =>
  name === 'attention' ? `sum(t.${side}attention)` : `sum(t.${side}status = '${name}')`;

/**
 * Counts what a call changed, in the same transaction. The counters of a namespace are spread over rows, one of which a connection adds to; their sum is what
 * there is. Records are changed before; then one row a namespace, in the order of namespaces: so no two calls ever wait for each other.
 *
 * @param difference what of it counts: how it is now less how it was before, or only how it was, as something deleted
 */
export function counted(
  tables: Tables,
  keys: readonly TransactionKey[],
  callId: string,
  difference: 'change' | 'deletion',
): string {
  const parts = COUNTED.map((name) =>
    difference === 'change' ? `${sumOf(name, '')} - ${sumOf(name, 'before_')}` : `-${sumOf(name, '')}`,
  );
  const namespaces = new Set(keys.map(({ namespace }) => namespace));
  // Grouping takes a temporary table and a sort, and most batches are of one namespace.
  const [namespace, ending] =
    namespaces.size > 1
      ? ['t.namespace', 'group by t.namespace order by t.namespace']
      : [text([...namespaces][0] ?? ''), 'having count(*) > 0'];
  return `insert into ${tables.counters} (namespace, slot, ${COUNTED.join(', ')}, last_at)
select ${namespace}, connection_id() % ${SLOTS}, ${parts.join(', ')}, @now
from ${tables.transactions} t force index (primary)
where t.id in (${keys.map((key) => text(idOf(key))).join(', ')}) and t.applied_by = ${callId}
${ending}
on duplicate key update ${COUNTED.map((name) => `${name} = ${tables.counters}.${name} + values(${name})`).join(', ')}, last_at = greatest(${tables.counters}.last_at, values(last_at))`;
}

/** The sums of one namespace, or of all. */
export const sums = (tables: Tables, namespace: string | undefined): string =>
  `select ${COUNTED.map((name) => `cast(coalesce(sum(${name}), 0) as signed) as ${name}`).join(', ')} from ${tables.counters}${
    namespace === undefined ? '' : ` where namespace = ${namespace}`
  }`;
