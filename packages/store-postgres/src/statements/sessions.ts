import type { Statement } from '../connection.ts';
import { CLOCK, NOW } from './clock.ts';

/** How long an ended session is remembered, so that its ID is rejected. */
const REMEMBERED_MS = 30 * 24 * 3_600 * 1_000;
/** Sessions that one statement forgets. */
const FORGOTTEN_AT_ONCE = 100;

/** Registers session $3 of node $4 and version $5; returns no row if it was ended. */
export const OPEN_SESSION: Statement = {
  name: 'open_session',
  changes: true,
  text: `with ${CLOCK}
insert into sessions as s (session, node, version, started_at, heartbeat_at)
values ($3::text, $4::text, $5::text, ${NOW}, ${NOW})
on conflict (session) do update set node = excluded.node, version = excluded.version, heartbeat_at = excluded.heartbeat_at
where s.ended_at is null
returning session`,
};

/**
 * Records a heartbeat of session $3. Its time is not before that of any other live session, so that
 * nodes agree on the time with each heartbeat.
 */
export const HEARTBEAT: Statement = {
  name: 'heartbeat',
  changes: true,
  text: `with ${CLOCK},
latest as materialized (select greatest(${NOW}, (select max(heartbeat_at) from sessions where ended_at is null)) as now),
beat as (
  update sessions set heartbeat_at = greatest(heartbeat_at, (select now from latest)) where session = $3::text and ended_at is null returning session
)
select now, exists (select from beat) as alive, (select heartbeat_at from sessions where session = $3) as last from latest`,
};

/** Ends session $3, even if it never began. */
export const END_SESSION: Statement = {
  name: 'end_session',
  changes: true,
  text: `with ${CLOCK}
insert into sessions as s (session, node, version, started_at, heartbeat_at, ended_at)
values ($3::text, '', '', ${NOW}, ${NOW}, ${NOW})
on conflict (session) do update set ended_at = coalesce(s.ended_at, excluded.ended_at)`,
};

/**
 * Ends the sessions that were silent for longer than $3 ms, except $4, and forgets those that ended
 * long ago. Unless $5 is null, ends only the sessions in it, each only if its last heartbeat is the
 * one in $6.
 */
export const END_SILENT: Statement = {
  name: 'end_silent',
  changes: true,
  text: `with ${CLOCK},
silent as materialized (
  select session from sessions
  where ended_at is null and session <> $4::text and ${NOW} - heartbeat_at > $3::bigint
    and ($5::text[] is null or (session, heartbeat_at) in (select * from unnest($5::text[], $6::bigint[])))
  order by session for update skip locked
),
forgotten as (
  delete from sessions where session = any (array(
    select session from sessions where ended_at is not null and ended_at < ${NOW} - ${REMEMBERED_MS}
    order by ended_at limit ${FORGOTTEN_AT_ONCE} for update skip locked))
)
update sessions s set ended_at = ${NOW} from silent where s.session = silent.session returning s.session`,
};

export const SESSIONS: Statement = {
  name: 'sessions',
  changes: false,
  text: `select session, node, version, started_at, heartbeat_at,
  (select count(*) from transactions t where t.owner is not null and t.owner = s.session) as owned
from sessions s where ended_at is null order by session`,
};
