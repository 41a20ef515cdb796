import { PATTERNS, STATUSES } from '@holdfast/protocol';
import type { Statement } from '../connection.ts';
import { CLOCK, NOW } from './clock.ts';

/**
 * The columns of `transactions` without the bodies, and their types. Statements name every column
 * that they return: a newer version may add a column while this one runs, and the server rejects a
 * prepared statement whose result would change.
 */
const HEAD = {
  namespace: 'text',
  gid: 'text',
  version: 'bigint',
  created_at: 'bigint',
  updated_at: 'bigint',
  due_at: 'bigint',
  finished_at: 'bigint',
  claims: 'integer',
  entry_count: 'integer',
  attention: 'boolean',
  status: 'text',
  pattern: 'text',
  app_group: 'text',
  owner: 'text',
  write_id: 'text',
} as const;

/** The columns of a record `t` without its bodies. */
export const HEAD_OF_T = Object.keys(HEAD)
  .map((name) => `t.${name}`)
  .join(', ');

const words = (list: readonly string[]): string => list.map((word) => `'${word}'`).join(', ');

/**
 * Records that this version can drive and write; a record with other words is left to nodes of a
 * later version.
 */
export const READABLE = `status in (${words(STATUSES)}) and pattern in (${words(PATTERNS)})`;

const nulls = (types: readonly string[]): string => types.map((type) => `null::${type}`).join(', ');

/** The head columns of a row for an entry `e`: only the key of its record is set. */
export const ENTRY_WITHOUT_HEAD = `e.namespace, e.gid, ${nulls(Object.values(HEAD).slice(2))}`;

/**
 * The rows of the records in a part of the statement named `found`: one row for each record, and
 * one for each of its entries. As an array, the entries of one record would be a single value,
 * which the server limits to 1 GiB and Node to 512 MiB of text. All rows are of one snapshot.
 */
const ROWS_OF_FOUND = `select ${HEAD_OF_T}, t.definition, t.state, null::text as key, null::bytea as body, null::integer as position from found t
union all
select ${ENTRY_WITHOUT_HEAD}, null::bytea, null::bytea, e.key, e.body, e.position
from found t join entries e on e.namespace = t.namespace and e.gid = t.gid where t.entry_count > 0`;

/** Whole records by their keys, $1 and $2, with their entries; no rows for a missing record. */
export const GET: Statement = {
  name: 'get',
  changes: false,
  text: `with found as materialized (
  select ${HEAD_OF_T}, t.definition, t.state from unnest($1::text[], $2::text[]) as k (namespace, gid)
  join transactions t on t.namespace = k.namespace and t.gid = k.gid
)
${ROWS_OF_FOUND}`,
};

/** Like `GET`, without definitions and entries, which are not read. */
export const GET_SUMMARIES: Statement = {
  name: 'get_summaries',
  changes: false,
  text: `select ${HEAD_OF_T}, ''::bytea as definition, t.state
from unnest($1::text[], $2::text[]) as k (namespace, gid)
join transactions t on t.namespace = k.namespace and t.gid = k.gid`,
};

/** Like `GET`, without any body. */
export const GET_HEADS: Statement = {
  name: 'get_heads',
  changes: false,
  text: `select ${HEAD_OF_T}
from unnest($1::text[], $2::text[]) as k (namespace, gid)
join transactions t on t.namespace = k.namespace and t.gid = k.gid`,
};

/** Bytes of the bodies of a record `t`. Lengths are stored, so that no body is read. */
export const BODY_BYTES = `octet_length(t.definition) + octet_length(t.state) + case when t.entry_count = 0 then 0 else
  (select coalesce(sum(octet_length(e.body)), 0) from entries e where e.namespace = t.namespace and e.gid = t.gid) end`;

/** The versions of keys, $1 and $2, in their order; null for a missing record. */
export const VERSIONS: Statement = {
  name: 'versions',
  changes: false,
  text: `select t.version
from unnest($1::text[], $2::text[]) with ordinality as k (namespace, gid, place)
left join transactions t on t.namespace = k.namespace and t.gid = k.gid
order by k.place`,
};

/**
 * Positions of one page, newest first, with the bytes of their bodies, and last the position where
 * the search ended: $1 namespace, $2 and $3 the time span of creation, $4 and $5 the position below
 * which to search, $6 how many to examine, $7 status, $8 pattern, $9 attention, $10 how many to
 * return, $11 whether only the states are wanted.
 */
export const LIST: Statement = {
  name: 'list',
  changes: false,
  text: `with looked as materialized (
  select gid, created_at, status, pattern, attention from transactions
  where namespace = $1::text and created_at >= 0 and created_at between $2::bigint and $3::bigint and (created_at, gid) < ($4::bigint, $5::text collate "C")
  order by created_at desc, gid desc
  limit $6::bigint
),
found as materialized (
  select gid, created_at from looked
  where ($7::text is null or status = $7) and ($8::text is null or pattern = $8) and ($9::bool is null or attention = $9)
  order by created_at desc, gid desc limit $10::bigint
)
(select f.gid, f.created_at, null::bigint as looked, (
    select case when $11::bool then octet_length(t.state) else ${BODY_BYTES} end
    from transactions t where t.namespace = $1::text and t.gid = f.gid
  ) as bytes
  from found f order by f.created_at desc, f.gid desc)
union all
(select gid, created_at, (select count(*) from looked), null from looked order by created_at, gid limit 1)`,
};

/** The store's time. */
export const TIME: Statement = { name: 'time', changes: false, text: `with ${CLOCK} select ${NOW} as now` };

/** The latest time that any node is known to have seen. */
export const LATEST: Statement = {
  name: 'latest',
  changes: false,
  text: `select greatest((select max(last_at) from counters), (select max(heartbeat_at) from sessions)) as latest`,
};
