import type { Statement } from '../connection.ts';
import { CLOCK, NOW } from './clock.ts';
import { counted } from './counters.ts';
import { ENTRY_WITHOUT_HEAD, HEAD_OF_T, READABLE } from './read.ts';
import { p } from './write-parameters.ts';

/*
 * A whole batch in one statement. It is correct under concurrent writes at READ COMMITTED, where a
 * statement sees what was committed before it began, but changes the current version of a row:
 * - An update applies only to a row that has the expected version when it is changed; the database
 *   waits for the transaction that holds the row, and checks the version again.
 * - An append reads the entries as they were when the statement began (`appends`), and applies only
 *   if the version is still the same: entries never change without the version.
 * - Rows are first inserted in key order, then changed in key order, then counted in the order of
 *   namespaces. Only an insert waits for an uncommitted insert, so that no two statements wait for
 *   each other in a cycle.
 *
 * The statement returns two rows: one for the inserts, one for the changes. A row per transaction
 * would cost the node more than the rest of the batch, so items are named only if some of them were
 * not applied; `EXAMINE` then checks the items that are not named.
 */

const READABLE_T = READABLE.replace('status', 't.status').replace('pattern', 't.pattern');

/** The value of a column in the item's set. */
const ofSet = (column: string, item: string): string => `(${column})[${item}.set]`;

const INSERTED = `inserted as (
  insert into transactions (namespace, gid, version, created_at, updated_at, due_at, finished_at, claims, entry_count,
    attention, before_attention, status, before_status, pattern, app_group, owner, write_id, definition, state)
  select i.namespace, i.gid, 1, i.now, i.now, case when i.due_in is not null then greatest(0, i.now + i.due_in) end,
    case when i.status in ('succeed', 'failed') then i.now end,
    case when i.owner is null then 0 else 1 end, 0, i.attention, i.attention, i.status, i.status, i.pattern, i.app_group, i.owner, i.write_id,
    substring(${p.bodies} from i.definition_from for i.definition_length),
    substring(${p.bodies} from i.definition_from + i.definition_length for i.state_length)
  from (
    select n.now, ${ofSet(p.namespaces, 'i')} as namespace, ${ofSet(p.statuses, 'i')} as status, ${ofSet(p.owners, 'i')} as owner,
      ${ofSet(p.attentions, 'i')} as attention, ${ofSet(p.patterns, 'i')} as pattern, ${ofSet(p.groups, 'i')} as app_group, i.*
    from clock n cross join
      unnest(${p.insertSets}, ${p.insertGids}, ${p.insertWriteIds}, ${p.insertDueIns}, ${p.insertFroms}, ${p.insertDefinitionLengths}, ${p.insertStateLengths})
        as i (set, gid, write_id, due_in, definition_from, definition_length, state_length)
    order by ${ofSet(p.namespaces, 'i')} collate "C", i.gid collate "C"
  ) i
  on conflict (namespace, gid) do nothing
  returning namespace, gid, status, attention
)`;

const UPDATES = `select n.now, ${ofSet(p.namespaces, 'u')} as namespace, ${ofSet(p.statuses, 'u')} as status, ${ofSet(p.owners, 'u')} as owner,
      ${ofSet(p.attentions, 'u')} as attention, substring(${p.bodies} from u.state_from for u.state_length) as state, u.*
    from clock n cross join
      unnest(${p.updateItems}, ${p.updateSets}, ${p.updateGids}, ${p.updateVersions}, ${p.updateWriteIds}, ${p.updateDueIns}, ${p.updateFroms}, ${p.updateStateLengths})
        as u (item, set, gid, version, write_id, due_in, state_from, state_length)`;

const BOTH_COUNTED = counted(`
  select namespace, status, attention, 1 from inserted
  union all select namespace, status, attention, 1 from changed
  union all select namespace, before_status, before_attention, -1 from changed`);

/** The items that an aggregate names, empty for no row; null if all items in `all` were applied. */
const unlessAll = (all: string, named: string): string =>
  `case when count(*) < cardinality(${all}) then coalesce(${named}, '{}') end`;

const INSERTED_ROW = `select ${NOW} as now, ${unlessAll(p.insertGids, 'array_agg(namespace)')} as namespaces,
  ${unlessAll(p.insertGids, 'array_agg(gid)')} as gids, null::int[] as items`;

/** A batch of inserts and updates. */
export const WRITE: Statement = {
  name: 'write',
  changes: true,
  text: `with ${CLOCK},
${INSERTED},
changed as (
  update transactions t set
    version = t.version + 1,
    updated_at = c.now,
    before_status = t.status,
    before_attention = t.attention,
    write_id = c.write_id,
    status = c.status,
    attention = c.attention,
    state = c.state,
    owner = c.owner,
    claims = case when c.owner is null then 0 else 1 end,
    due_at = case when c.due_in is not null then greatest(0, c.now + c.due_in) end,
    finished_at = case when c.status in ('succeed', 'failed') then coalesce(t.finished_at, c.now) end
  from (
    ${UPDATES}
    order by ${ofSet(p.namespaces, 'u')} collate "C", u.gid collate "C"
  ) c
  where t.namespace = c.namespace and t.gid = c.gid and t.version = c.version
    and (t.finished_at is null or c.status in ('succeed', 'failed')) and ${READABLE_T}
  returning c.item, t.namespace, t.status, t.attention, t.before_status, t.before_attention
),
${BOTH_COUNTED}
${INSERTED_ROW} from inserted
union all
select ${NOW}, null, null, ${unlessAll(p.updateItems, 'array_agg(item)')} from changed`,
};

/** A batch with appends among its items; applied appends are always named. */
export const WRITE_WITH_APPENDS: Statement = {
  name: 'write_with_appends',
  changes: true,
  text: `with ${CLOCK},
${INSERTED},
appends as (
  select a.item, a.namespace, a.gid, seen.version, a.statuses, a.pattern, a.room, a.postpone, fresh.positions
  from unnest(${p.appendItems}, ${p.appendNamespaces}, ${p.appendGids}, ${p.appendStatuses}, ${p.appendPatterns}, ${p.appendRooms}, ${p.appendByteRooms}, ${p.appendPostpones}, ${p.appendFirsts}, ${p.appendLasts})
    as a (item, namespace, gid, statuses, pattern, room, byte_room, postpone, first, last)
  join transactions seen on seen.namespace = a.namespace and seen.gid = a.gid
  cross join lateral (
    select array_agg(a.first + e.rank - 1 order by e.rank)::int[] as positions
    from unnest((${p.entryKeys})[a.first:a.last]) with ordinality as e (key, rank)
    where not exists (
      select from entries there where there.namespace = a.namespace and there.gid = a.gid and there.key = e.key)
  ) fresh
  where fresh.positions is not null and (a.byte_room is null or a.byte_room >=
    (select coalesce(sum((${p.entryLengths})[added.position]), 0) from unnest(fresh.positions) as added (position)) +
    (select coalesce(sum(octet_length(there.body)), 0) from entries there where there.namespace = a.namespace and there.gid = a.gid))
),
changes as materialized (
  select * from (
    select item, namespace, gid, version, write_id, status, owner, due_in, attention, state, null::text as statuses, null::text as pattern, 0 as room, null::int[] as positions, 0 as added
    from (
    ${UPDATES}
    ) updates
    union all
    select item, namespace, gid, version, null, null, null, postpone, null, null, statuses, pattern, room, positions, cardinality(positions)
    from appends
  ) items order by namespace collate "C", gid collate "C"
),
changed as (
  update transactions t set
    version = t.version + 1,
    updated_at = ${NOW},
    before_status = t.status,
    before_attention = t.attention,
    write_id = coalesce(c.write_id, t.write_id),
    status = coalesce(c.status, t.status),
    attention = coalesce(c.attention, t.attention),
    state = coalesce(c.state, t.state),
    owner = case when c.added > 0 then t.owner else c.owner end,
    claims = case when c.added > 0 then t.claims when c.owner is null then 0 else 1 end,
    due_at = case
      when c.added > 0 and (t.due_at is null or c.due_in is null) then t.due_at
      when c.due_in is not null then greatest(0, ${NOW} + c.due_in)
    end,
    finished_at = case when c.added > 0 then t.finished_at when c.status in ('succeed', 'failed') then coalesce(t.finished_at, ${NOW}) end,
    entry_count = t.entry_count + c.added
  from changes c
  where t.namespace = c.namespace and t.gid = c.gid and t.version = c.version
    and case
      when c.added > 0 then t.status = any (string_to_array(c.statuses, ',')) and (c.pattern is null or t.pattern = c.pattern) and t.entry_count + c.added <= c.room
      else t.finished_at is null or c.status in ('succeed', 'failed')
    end and ${READABLE_T}
  returning c.item, c.positions, c.added, t.namespace, t.gid, t.version, t.entry_count, t.status, t.attention, t.before_status, t.before_attention
),
entered as (
  insert into entries (namespace, gid, position, key, body)
  select c.namespace, c.gid, c.entry_count - c.added + e.rank, (${p.entryKeys})[e.position],
    substring(${p.bodies} from (${p.entryFroms})[e.position] for (${p.entryLengths})[e.position])
  from changed c cross join lateral unnest(c.positions) with ordinality as e (position, rank)
),
${BOTH_COUNTED}
${INSERTED_ROW}, null::int[] as appended, null::text[] as versions, null::int[] as added, null::int[] as entry_counts from inserted
union all
select ${NOW}, null, null, coalesce(array_agg(item) filter (where added = 0), '{}'),
  array_agg(item) filter (where added > 0), array_agg(version::text) filter (where added > 0), array_agg(added) filter (where added > 0), array_agg(entry_count) filter (where added > 0)
from changed`,
};

/**
 * The current heads of transactions, without their bodies, the total bytes of their entries where
 * entries are wanted, and, as separate rows, which of the wanted entries exist. All rows are of one
 * snapshot.
 *
 * $1 and $2: keys; $3 and $4: first and last position of the wanted entry keys; $5: these keys.
 */
export const EXAMINE: Statement = {
  name: 'examine',
  changes: false,
  text: `with found as materialized (
  select ${HEAD_OF_T}, k.first, k.last from unnest($1::text[], $2::text[], $3::int[], $4::int[]) as k (namespace, gid, first, last)
  join transactions t on t.namespace = k.namespace and t.gid = k.gid
)
select ${HEAD_OF_T}, (
    select coalesce(sum(octet_length(e.body)), 0)::bigint from entries e
    where e.namespace = t.namespace and e.gid = t.gid and t.last >= t.first) as entry_bytes,
  null::text as key, null::integer as position, null::bytea as body
from found t
union all
select ${ENTRY_WITHOUT_HEAD}, null::bigint, e.key, e.position, e.body
from found t cross join lateral unnest(($5::text[])[t.first:t.last]) as wanted (key)
join entries e on e.namespace = t.namespace and e.gid = t.gid and e.key = wanted.key where t.last >= t.first`,
};

/**
 * The records of keys $1 and $2 that another connection has locked. The others are locked for the
 * duration of the statement.
 */
export const LOCKED: Statement = {
  name: 'locked',
  changes: false,
  text: `with free as materialized (
  select t.namespace, t.gid from unnest($1::text[], $2::text[]) as k (namespace, gid)
  join transactions t on t.namespace = k.namespace and t.gid = k.gid
  for no key update of t skip locked
)
select t.namespace, t.gid from unnest($1::text[], $2::text[]) as k (namespace, gid)
join transactions t on t.namespace = k.namespace and t.gid = k.gid
where not exists (select from free where free.namespace = t.namespace and free.gid = t.gid)`,
};

/** Inserts rows with keys $1 and $2, in order, where there is none. Always rolled back. */
export const PROBE_KEYS = `insert into transactions (namespace, gid, version, created_at, updated_at, claims, entry_count,
  attention, before_attention, status, before_status, pattern, app_group, write_id, definition, state)
select k.namespace, k.gid, 0, 0, 0, 0, 0, false, false, '', '', '', '', '', '', ''
from unnest($1::text[], $2::text[]) as k (namespace, gid)
order by k.namespace collate "C", k.gid collate "C"
on conflict (namespace, gid) do nothing`;
