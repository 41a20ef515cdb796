import { type SessionId, type SessionInfo, type SessionRow, StoreError } from '../store.ts';

/** How many ended sessions are remembered, so that their ids are refused when used again. */
const REMEMBERED = 1_000;

type Living = Omit<SessionRow, 'owned'>;

/** The sessions of a store that one process holds: they end with it, so they need no record. */
export class SessionTable {
  readonly #living = new Map<SessionId, Living>();
  readonly #ended = new Set<SessionId>();

  /** Registers a session. Throws `invalid` when it was ended. */
  open(session: SessionId, info: SessionInfo, nowMs: number): void {
    if (this.#ended.has(session))
      throw new StoreError('invalid', `session ${session} was ended; open one with a new id`);
    const startedAtMs = this.#living.get(session)?.startedAtMs ?? nowMs;
    this.#living.set(session, { node: info.node, version: info.version, session, startedAtMs, heartbeatAtMs: nowMs });
  }

  isLiving(session: SessionId): boolean {
    return this.#living.has(session);
  }

  /** False when the session does not live. */
  heartbeat(session: SessionId, nowMs: number): boolean {
    const row = this.#living.get(session);
    if (row === undefined) return false;
    this.#living.set(session, { ...row, heartbeatAtMs: nowMs });
    return true;
  }

  end(session: SessionId): void {
    this.#living.delete(session);
    this.#ended.add(session);
    if (this.#ended.size <= REMEMBERED) return;
    for (const oldest of this.#ended) {
      this.#ended.delete(oldest);
      return;
    }
  }

  /** Ends all but `keep` that were silent for longer than `silenceMs`; answers which. */
  endSilent(silenceMs: number, keep: SessionId, nowMs: number): SessionId[] {
    const silent = [...this.#living.values()].filter(
      (row) => row.session !== keep && nowMs - row.heartbeatAtMs > silenceMs,
    );
    for (const row of silent) this.end(row.session);
    return silent.map((row) => row.session);
  }

  /** The living ones; `countOwned` says how many transactions one owns. */
  rows(countOwned: (session: SessionId) => number): SessionRow[] {
    return Array.from(this.#living.values(), (row) => ({ ...row, owned: countOwned(row.session) }));
  }
}
