import {
  type Heartbeat,
  type HeartbeatSeen,
  type SessionId,
  type SessionInfo,
  type SessionRow,
  StoreError,
  type TakeOverRequest,
  type TakeOverResult,
} from '@holdfast/core/store';
import { releaseOrphans } from './due.ts';
import type { Parts } from './parts.ts';
import { PLACES, string } from './records.ts';
import { number, text } from './sql.ts';
import { newCallId } from './write.ts';

/** How long an ended session is remembered, so that its ID is rejected. */
const REMEMBERED_MS = 30 * 24 * 3_600 * 1_000;
/** Sessions that one call forgets. */
const FORGOTTEN_AT_ONCE = 100;

/** The sessions of nodes; see `Store`. */
export class Sessions {
  readonly #parts: Parts;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  async open(session: SessionId, { node, version }: SessionInfo): Promise<void> {
    const { beats, tables, clock } = this.#parts;
    const results = await beats.call({
      changes: true,
      statements: [
        clock.set(),
        `insert into ${tables.sessions} (session, node, version, started_at, heartbeat_at)
values (${text(session)}, ${text(node)}, ${text(version)}, @now, @now)
on duplicate key update node = if(ended_at is null, values(node), node), version = if(ended_at is null, values(version), version),
  heartbeat_at = if(ended_at is null, values(heartbeat_at), heartbeat_at)`,
        this.#isAlive(session),
      ],
    });
    if (Number(results[2]?.rows[0]?.['alive']) !== 1)
      throw new StoreError('invalid', `session ${session} was ended; open one with a new id`);
  }

  /**
   * The time is not before that of any other live session, so that nodes agree on the time with
   * each heartbeat.
   */
  async heartbeat(session: SessionId): Promise<Heartbeat> {
    const { beats, tables, clock } = this.#parts;
    const results = await beats.call({
      changes: true,
      statements: [
        clock.set(),
        // A `set` with a query would lock the rows that it reads, which are all live sessions.
        `select greatest(@now, coalesce((select max(heartbeat_at) from ${tables.sessions} where ended_at is null), 0)),
  (select heartbeat_at from ${tables.sessions} where session = ${text(session)}) into @now, @last`,
        `update ${tables.sessions} set heartbeat_at = greatest(heartbeat_at, @now) where session = ${text(session)} and ended_at is null`,
        this.#isAlive(session),
        'select @now as now, cast(@last as signed) as last',
      ],
    });
    const [row] = results[4]?.rows ?? [];
    const nowMs = clock.seen(Number(row?.['now']));
    const last = row?.['last'] ?? null;
    return { alive: Number(results[3]?.rows[0]?.['alive']) === 1, nowMs, lastMs: last === null ? null : Number(last) };
  }

  #isAlive(session: SessionId): string {
    return `select count(*) as alive from ${this.#parts.tables.sessions} where session = ${text(session)} and ended_at is null`;
  }

  /** Ends a session, even one that never began. */
  async end(session: SessionId): Promise<void> {
    const { beats, tables, clock } = this.#parts;
    await beats.call({
      changes: true,
      statements: [
        clock.set(),
        `insert into ${tables.sessions} (session, node, version, started_at, heartbeat_at, ended_at) values (${text(session)}, '', '', @now, @now, @now)
on duplicate key update ended_at = coalesce(ended_at, values(ended_at))`,
      ],
    });
  }

  async takeOver({ silenceMs, unchanged, keep, limit }: TakeOverRequest): Promise<TakeOverResult> {
    const { rest, tables, clock } = this.#parts;
    const callId = newCallId();
    // A session whose row is locked is sending a heartbeat, or is left for the next takeover.
    const free = (where: string): string =>
      `(select session from ${tables.sessions} where ${where} for update skip locked) as free
straight_join ${tables.sessions} s force index (primary) on s.session = free.session`;
    const results = await rest.call({
      changes: true,
      statements: [
        clock.set(),
        `update ${free(`ended_at is null and session <> ${text(keep)} and @now - heartbeat_at > ${number(Math.floor(silenceMs))}${only(unchanged)}`)}
set s.ended_at = @now, s.ended_by = ${callId}`,
        `select session from ${tables.sessions} where ended_at = @now and ended_by = ${callId} order by session`,
        `delete s from ${free(`ended_at < @now - ${REMEMBERED_MS} order by ended_at limit ${FORGOTTEN_AT_ONCE}`)}`,
      ],
    });
    const { count, more } = await releaseOrphans(this.#parts, limit);
    return { ended: (results[2]?.rows ?? []).map((row) => string(row['session'])), released: count, more };
  }

  async list(): Promise<SessionRow[]> {
    const { rest, tables } = this.#parts;
    const statement = `select s.session, s.node, s.version, s.started_at, s.heartbeat_at,
  (select count(*) from ${tables.transactions} t force index (place) where t.place = concat('${PLACES.owned}', s.session)) as owned
from ${tables.sessions} s where s.ended_at is null order by s.session`;
    const [result] = await rest.call({ statements: [statement], changes: false });
    return (result?.rows ?? []).map((row) => ({
      session: string(row['session']),
      node: string(row['node']),
      version: string(row['version']),
      startedAtMs: Number(row['started_at']),
      heartbeatAtMs: Number(row['heartbeat_at']),
      owned: Number(row['owned']),
    }));
  }
}

/** A condition on the sessions that may be ended. */
function only(unchanged: readonly HeartbeatSeen[] | undefined): string {
  if (unchanged === undefined) return '';
  const each = unchanged.map(
    ({ session, heartbeatAtMs }) =>
      `(session = ${text(session)} and heartbeat_at = ${number(Math.floor(heartbeatAtMs))})`,
  );
  return ` and (${each.join(' or ') || 'false'})`;
}
