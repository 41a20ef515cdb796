import {
  type Heartbeat,
  type SessionId,
  type SessionInfo,
  type SessionRow,
  StoreError,
  type TakeOverRequest,
} from '../store/store.ts';

/** Number of ended sessions that are remembered, so that their IDs are rejected when used again. */
const REMEMBERED = 1_000;

type Living = Omit<SessionRow, 'owned'>;

/** The sessions of a store within one process; they end with it, so they are not stored. */
export class SessionTable {
  readonly #living = new Map<SessionId, Living>();
  /** With their last heartbeats. */
  readonly #ended = new Map<SessionId, number>();

  /** Registers a session. Throws `invalid` if it has ended. */
  open(session: SessionId, info: SessionInfo, nowMs: number): void {
    if (this.#ended.has(session))
      throw new StoreError('invalid', `session ${session} was ended; open one with a new id`);
    const startedAtMs = this.#living.get(session)?.startedAtMs ?? nowMs;
    this.#living.set(session, { node: info.node, version: info.version, session, startedAtMs, heartbeatAtMs: nowMs });
  }

  isLiving(session: SessionId): boolean {
    return this.#living.has(session);
  }

  /** See `Store.heartbeat`. */
  heartbeat(session: SessionId, nowMs: number): Heartbeat {
    const row = this.#living.get(session);
    if (row === undefined) return { alive: false, nowMs, lastMs: this.#ended.get(session) ?? null };
    this.#living.set(session, { ...row, heartbeatAtMs: nowMs });
    return { alive: true, nowMs, lastMs: row.heartbeatAtMs };
  }

  end(session: SessionId): void {
    if (!this.#ended.has(session)) this.#ended.set(session, this.#living.get(session)?.heartbeatAtMs ?? Infinity);
    this.#living.delete(session);
    if (this.#ended.size <= REMEMBERED) return;
    for (const oldest of this.#ended.keys()) {
      this.#ended.delete(oldest);
      return;
    }
  }

  /** Ends the sessions selected by `takeOver`; returns their IDs. */
  endSilent({ silenceMs, keep, unchanged }: TakeOverRequest, nowMs: number): SessionId[] {
    const seen = unchanged && new Map(unchanged.map(({ session, heartbeatAtMs }) => [session, heartbeatAtMs]));
    const silent = [...this.#living.values()].filter(
      ({ session, heartbeatAtMs }) =>
        session !== keep &&
        nowMs - heartbeatAtMs > silenceMs &&
        (seen === undefined || seen.get(session) === heartbeatAtMs),
    );
    for (const row of silent) this.end(row.session);
    return silent.map((row) => row.session);
  }

  /** The live sessions; `countOwned` returns the number of transactions that a session owns. */
  rows(countOwned: (session: SessionId) => number): SessionRow[] {
    return Array.from(this.#living.values(), (row) => ({ ...row, owned: countOwned(row.session) }));
  }
}
