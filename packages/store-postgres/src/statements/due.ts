import type { Statement } from '../connection.ts';
import { CLOCK, NOW } from './clock.ts';
import { counted } from './counters.ts';
import { BODY_BYTES, READABLE } from './read.ts';

/*
 * These statements find their records by an index and change them while others write. A record that
 * another transaction has locked is left to it (`skip locked`), and a record that was changed
 * concurrently is checked again, so that none of these statements ever waits for a record.
 */

/** Whether session $3 is alive, and when the earliest transaction of groups $4 is due. */
export const LOOK: Statement = {
  name: 'look',
  changes: false,
  text: `with ${CLOCK}
select ${NOW} as now, exists (select from sessions where session = $3::text and ended_at is null) as alive,
  (select min(first.due_at) from unnest($4::text[]) as g (app_group) cross join lateral (
    select due_at from transactions where app_group = g.app_group and due_at is not null and ${READABLE}
    order by due_at limit 1) first) as next`,
};

/**
 * Claims up to $4 due transactions of groups $5 for session $3, with bodies of up to $6 bytes, and
 * the first one whatever its size. Only keys are returned: the server sends rows before it commits,
 * so a node that stops reading would keep the records locked. The records are read after the claim
 * is committed.
 */
export const CLAIM: Statement = {
  name: 'claim',
  changes: true,
  text: `with ${CLOCK},
locked as materialized (
  select d.* from unnest($5::text[]) as g (app_group) cross join lateral (
    select namespace, gid, due_at, ${BODY_BYTES} as bytes from transactions t
    where app_group = g.app_group and due_at is not null and due_at <= ${NOW} and ${READABLE}
    order by due_at limit $4::bigint
    for update skip locked
  ) d
  where exists (select from sessions where session = $3::text and ended_at is null)
  order by d.due_at limit $4::bigint
),
picked as materialized (
  select namespace, gid, due_at from (
    select *, sum(bytes) over in_order as upto, row_number() over in_order as place
    from locked window in_order as (order by due_at, namespace, gid rows unbounded preceding)
  ) sized
  where upto <= $6::bigint or place = 1
),
claimed as (
  update transactions t set owner = $3, due_at = null, claims = t.claims + 1, version = t.version + 1, updated_at = ${NOW}
  from picked p where t.namespace = p.namespace and t.gid = p.gid
  returning t.namespace, t.gid, p.due_at as was_due
)
select namespace, gid from claimed order by was_due, namespace, gid`,
};

/**
 * Makes up to $5 waiting transactions of namespace $3 due at once that are due later than $4 ms
 * from now. Searches the waiting transactions; the namespace is compared as an expression so that
 * the planner does not search all transactions of the namespace.
 */
export const MAKE_DUE: Statement = {
  name: 'make_due',
  changes: true,
  text: `with ${CLOCK},
picked as materialized (
  select namespace, gid from transactions
  where due_at is not null and due_at > ${NOW} + $4::bigint and namespace || '' = $3::text
  limit $5::bigint + 1
  for update skip locked
),
made as (
  update transactions t set owner = null, due_at = ${NOW}, version = t.version + 1, updated_at = ${NOW}
  from (select namespace, gid from picked limit $5) p where t.namespace = p.namespace and t.gid = p.gid
  returning 1
)
select (select count(*) from made) as count, (select count(*) from picked) as found`,
};

/**
 * Releases up to $3 transactions whose owner is not a live session. Owners are found by jumping
 * from one to the next in the index.
 */
export const RELEASE: Statement = {
  name: 'release',
  changes: true,
  text: `with recursive ${CLOCK},
owners (owner) as (
  (select owner from transactions where owner is not null order by owner limit 1)
  union all
  select (select t.owner from transactions t where t.owner > o.owner order by t.owner limit 1) from owners o where o.owner is not null
),
picked as materialized (
  select t.namespace, t.gid from owners o cross join lateral (
    select namespace, gid from transactions where owner = o.owner limit $3::bigint + 1 for update skip locked
  ) t
  where o.owner is not null and not exists (select from sessions s where s.session = o.owner and s.ended_at is null)
  limit $3::bigint + 1
),
made as (
  update transactions t set owner = null, due_at = ${NOW}, version = t.version + 1, updated_at = ${NOW}
  from (select namespace, gid from picked limit $3) p where t.namespace = p.namespace and t.gid = p.gid
  returning 1
)
select (select count(*) from made) as count, (select count(*) from picked) as found`,
};

/**
 * Deletes up to $4 transactions that finished more than $3 ms ago, with their entries. A
 * transaction that received an entry after the statement began is left for the next purge, because
 * this statement would not see that entry: the latest row, which is locked, then has more entries
 * than the row of the snapshot.
 */
export const PURGE: Statement = {
  name: 'purge',
  changes: true,
  text: `with ${CLOCK},
picked as materialized (
  select namespace, gid from transactions
  where finished_at is not null and finished_at < ${NOW} - $3::bigint
  order by finished_at limit $4::bigint
  for update skip locked
),
gone as (
  delete from transactions t using picked p
  where t.namespace = p.namespace and t.gid = p.gid
    and (t.entry_count = 0 or t.entry_count = (select s.entry_count from transactions s where s.namespace = p.namespace and s.gid = p.gid))
  returning t.namespace, t.gid, t.status, t.attention, t.entry_count
),
forgotten as (
  delete from entries e using gone g where g.entry_count > 0 and e.namespace = g.namespace and e.gid = g.gid
),
${counted('select namespace, status, attention, -1 from gone')}
select count(*) as count from gone`,
};
