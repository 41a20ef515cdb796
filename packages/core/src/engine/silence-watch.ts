import type { HeartbeatSeen, SessionId } from '../store.ts';

interface Seen {
  readonly heartbeatAtMs: number;
  /** When this heartbeat was first seen, on the monotonic clock. */
  readonly sinceMs: number;
}

/**
 * For how long the heartbeats of other sessions have stayed unchanged, by this node's monotonic
 * clock. The store's clock cannot show that: when it is set forward, or a standby that is ahead
 * takes over, all sessions look silent.
 *
 * SW1 A heartbeat counts from the moment when this node sees it for the first time, however old it
 *     looks.
 */
export class SilenceWatch {
  #seen = new Map<SessionId, Seen>();

  /**
   * Takes in the heartbeats of all live sessions, as they are at `nowMs` on the monotonic clock or
   * were before.
   */
  note(rows: readonly HeartbeatSeen[], nowMs: number): void {
    const seen = new Map<SessionId, Seen>();
    for (const { session, heartbeatAtMs } of rows) {
      const before = this.#seen.get(session);
      seen.set(session, before?.heartbeatAtMs === heartbeatAtMs ? before : { heartbeatAtMs, sinceMs: nowMs });
    }
    this.#seen = seen;
  }

  /** At most `limit` sessions whose heartbeat has stayed unchanged for longer than `silenceMs`. */
  unchangedFor(silenceMs: number, nowMs: number, limit: number): HeartbeatSeen[] {
    const unchanged: HeartbeatSeen[] = [];
    for (const [session, { heartbeatAtMs, sinceMs }] of this.#seen)
      if (nowMs - sinceMs > silenceMs && unchanged.length < limit) unchanged.push({ session, heartbeatAtMs });
    return unchanged;
  }

  /**
   * The time until the next session is unchanged for that long, unless it sends a heartbeat;
   * Infinity: there is none.
   */
  nextInMs(silenceMs: number, nowMs: number): number {
    const left = [...this.#seen.values()].map(({ sinceMs }) => Math.floor(sinceMs + silenceMs - nowMs) + 1);
    return Math.min(Infinity, ...left.filter((ms) => ms > 0));
  }
}
