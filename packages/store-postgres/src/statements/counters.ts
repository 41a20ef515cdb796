import { STATUSES } from '@holdfast/protocol';

/**
 * Counter rows per namespace: with this number two connections seldom wait for each other's row.
 */
const SLOTS = 64;

/**
 * The counters of a namespace are spread over several rows; a connection adds to one of them, and
 * the count is their sum. Records are changed first, since this part reads the results of all
 * changes; then one row per namespace is updated, in the order of namespaces, so that no two
 * statements wait for each other in a cycle.
 *
 * @param changes a query of (namespace, status, attention, by)
 */
export const counted = (changes: string): string => `counted as (
  insert into counters as c (namespace, slot, ${STATUSES.join(', ')}, attention, last_at)
  select namespace, pg_backend_pid() % ${SLOTS}, ${STATUSES.map(sumOf).join(', ')}, coalesce(sum("by") filter (where attention), 0), (select now from clock)
  from (${changes}) as changes (namespace, status, attention, "by")
  group by namespace
  order by namespace
  on conflict (namespace, slot) do update set
    ${[...STATUSES, 'attention'].map((name) => `${name} = c.${name} + excluded.${name}`).join(', ')},
    last_at = greatest(c.last_at, excluded.last_at)
)`;

const sumOf = (status: string): string => `coalesce(sum("by") filter (where status = '${status}'), 0)`;

const SUMS = [...STATUSES, 'attention'].map((name) => `coalesce(sum(${name}), 0)::bigint as ${name}`).join(', ');

/** The sums of one namespace. */
export const COUNT = { name: 'count', changes: false, text: `select ${SUMS} from counters where namespace = $1::text` };

/** The sums of all namespaces. */
export const COUNT_ALL = { name: 'count_all', changes: false, text: `select ${SUMS} from counters` };
