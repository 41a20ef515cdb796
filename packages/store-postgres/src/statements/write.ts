import type { Statement } from '../connection.ts';
import { CLOCK, NOW } from './clock.ts';
import { counted } from './counters.ts';

const TYPES = {
  floor: 'bigint',
  wall: 'bigint',
  insertNamespaces: 'text[]',
  insertGids: 'text[]',
  insertWriteIds: 'text[]',
  insertStatuses: 'text[]',
  insertOwners: 'text[]',
  insertDueIns: 'bigint[]',
  insertAttentions: 'bool[]',
  insertPatterns: 'text[]',
  insertGroups: 'text[]',
  insertFroms: 'int[]',
  insertDefinitionLengths: 'int[]',
  insertStateLengths: 'int[]',
  updateItems: 'int[]',
  updateNamespaces: 'text[]',
  updateGids: 'text[]',
  updateVersions: 'bigint[]',
  updateWriteIds: 'text[]',
  updateStatuses: 'text[]',
  updateOwners: 'text[]',
  updateDueIns: 'bigint[]',
  updateAttentions: 'bool[]',
  updateStateFroms: 'int[]',
  updateStateLengths: 'int[]',
  appendItems: 'int[]',
  appendNamespaces: 'text[]',
  appendGids: 'text[]',
  appendStatuses: 'text[]',
  appendRooms: 'int[]',
  appendPostpones: 'bigint[]',
  appendFirsts: 'int[]',
  appendLasts: 'int[]',
  entryKeys: 'text[]',
  entryFroms: 'int[]',
  entryLengths: 'int[]',
  bodies: 'bytea',
} as const;

/** What the statement takes, in the order of its parameters. */
export type WriteParameters = Record<keyof typeof TYPES, unknown>;

const NAMES = Object.keys(TYPES) as (keyof typeof TYPES)[];

/** A parameter as it stands in the statement. */
const p = Object.fromEntries(NAMES.map((name, i) => [name, `$${i + 1}::${TYPES[name]}`])) as Record<
  keyof typeof TYPES,
  string
>;

/** The values in the order of the statement. */
export const writeValues = (parameters: WriteParameters): unknown[] => NAMES.map((name) => parameters[name]);

/**
 * A whole batch. It answers a row for each item that was applied; whoever gets none is looked at afterwards, by `EXAMINE`.
 *
 * Why it is right while others write, at READ COMMITTED, where a statement sees what was committed before it began, and a row that it changes as it is then:
 * - an update applies to a row whose version is the expected one at the moment of the change; the database waits for whoever has the row, and looks again;
 * - an append reads the entries of a transaction as they were when the statement began (`appends`), and applies if the version is still the one of then: entries
 *   never change without the version;
 * - rows are inserted first, in the order of their keys, then changed, in the order of their keys, then counted, in the order of namespaces. Only an insert
 *   waits for an uncommitted insert, so no two statements wait for each other.
 *
 * All bodies come as one value, one behind the other; positions in it, and those of entries, begin at 1.
 */
export const WRITE: Statement = {
  name: 'write',
  changes: true,
  text: `with ${CLOCK},
inserted as (
  insert into transactions (namespace, gid, version, created_at, updated_at, due_at, finished_at, claims, entry_count,
    attention, before_attention, status, before_status, pattern, app_group, owner, write_id, definition, state)
  select i.namespace, i.gid, 1, ${NOW}, ${NOW},
    case when i.due_in is not null then greatest(0, ${NOW} + i.due_in) end,
    case when i.status in ('succeed', 'failed') then ${NOW} end,
    case when i.owner is null then 0 else 1 end, 0, i.attention, i.attention, i.status, i.status, i.pattern, i.app_group, i.owner, i.write_id,
    substring(${p.bodies} from i.definition_from for i.definition_length),
    substring(${p.bodies} from i.definition_from + i.definition_length for i.state_length)
  from unnest(${p.insertNamespaces}, ${p.insertGids}, ${p.insertWriteIds}, ${p.insertStatuses}, ${p.insertOwners}, ${p.insertDueIns}, ${p.insertAttentions}, ${p.insertPatterns}, ${p.insertGroups},
    ${p.insertFroms}, ${p.insertDefinitionLengths}, ${p.insertStateLengths})
    as i (namespace, gid, write_id, status, owner, due_in, attention, pattern, app_group, definition_from, definition_length, state_length)
  order by i.namespace collate "C", i.gid collate "C"
  on conflict (namespace, gid) do nothing
  returning namespace, gid, status, attention
),
appends as (
  select a.item, a.namespace, a.gid, seen.version, a.statuses, a.room, a.postpone, fresh.positions
  from unnest(${p.appendItems}, ${p.appendNamespaces}, ${p.appendGids}, ${p.appendStatuses}, ${p.appendRooms}, ${p.appendPostpones}, ${p.appendFirsts}, ${p.appendLasts})
    as a (item, namespace, gid, statuses, room, postpone, first, last)
  join transactions seen on seen.namespace = a.namespace and seen.gid = a.gid
  cross join lateral (
    select array_agg(a.first + e.rank - 1 order by e.rank)::int[] as positions
    from unnest((${p.entryKeys})[a.first:a.last]) with ordinality as e (key, rank)
    where not exists (
      select from entries there where there.namespace = a.namespace and there.gid = a.gid and there.key = e.key)
  ) fresh
  where fresh.positions is not null
),
changes as materialized (
  select * from (
    select u.item, u.namespace, u.gid, u.version, u.write_id, u.status, u.owner, u.due_in, u.attention,
      substring(${p.bodies} from u.state_from for u.state_length) as state, null::text as statuses, 0 as room, null::int[] as positions, 0 as added
    from unnest(${p.updateItems}, ${p.updateNamespaces}, ${p.updateGids}, ${p.updateVersions}, ${p.updateWriteIds}, ${p.updateStatuses}, ${p.updateOwners}, ${p.updateDueIns}, ${p.updateAttentions},
      ${p.updateStateFroms}, ${p.updateStateLengths})
      as u (item, namespace, gid, version, write_id, status, owner, due_in, attention, state_from, state_length)
    union all
    select item, namespace, gid, version, null, null, null, postpone, null, null, statuses, room, positions, cardinality(positions)
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
      when c.added > 0 then t.status = any (string_to_array(c.statuses, ',')) and t.entry_count + c.added <= c.room
      else t.finished_at is null or c.status in ('succeed', 'failed')
    end
  returning c.item, c.positions, c.added, t.namespace, t.gid, t.version, t.entry_count, t.status, t.attention, t.before_status, t.before_attention
),
entered as (
  insert into entries (namespace, gid, position, key, body)
  select c.namespace, c.gid, c.entry_count - c.added + e.rank, (${p.entryKeys})[e.position],
    substring(${p.bodies} from (${p.entryFroms})[e.position] for (${p.entryLengths})[e.position])
  from changed c cross join lateral unnest(c.positions) with ordinality as e (position, rank)
),
${counted(`
  select namespace, status, attention, 1 from inserted
  union all select namespace, status, attention, 1 from changed
  union all select namespace, before_status, before_attention, -1 from changed`)}
select null::int as item, namespace, gid, 1::bigint as version, 0 as added, 0 as entry_count, ${NOW} as now from inserted
union all
select item, null, null, version, added, entry_count, ${NOW} from changed`,
};

/**
 * The present heads of transactions, without their bodies, and which of these entries they have.
 *
 * $1 and $2 keys, $3 and $4 the first and last of the keys of entries that are asked for, $5 those.
 */
export const EXAMINE: Statement = {
  name: 'examine',
  changes: false,
  text: `select t.*, e.keys, e.positions, e.bodies
from unnest($1::text[], $2::text[], $3::int[], $4::int[]) with ordinality as k (namespace, gid, first, last, item)
join lateral (
  select namespace, gid, version, created_at, updated_at, due_at, finished_at, claims, entry_count, attention, status, pattern, app_group, owner, write_id
  from transactions t where t.namespace = k.namespace and t.gid = k.gid
) t on true
left join lateral (
  select array_agg(e.key) as keys, array_agg(e.position) as positions, array_agg(e.body) as bodies
  from entries e where e.namespace = k.namespace and e.gid = k.gid and e.key = any (($5::text[])[k.first:k.last])
) e on k.last >= k.first`,
};
