import type { HeartbeatSeen, SessionId } from '../store/store.ts';

interface Seen {
  readonly heartbeatAtMs: number;
  /** When this heartbeat was first seen, on the monotonic clock. */
  readonly sinceMs: number;
}

/**
 * How long the heartbeats of other sessions have stayed unchanged, by this node's monotonic clock.
 * The store's clock cannot show that: if it is set forward, or a standby with a faster clock takes
 * over, all sessions appear silent.
 *
 * SW1 A heartbeat counts from the moment when this node first sees it, however old it appears.
 */
export class SilenceWatch {
  #seen = new Map<SessionId, Seen>();

  /**
   * Records the heartbeats of all live sessions, read at or before `nowMs` on the monotonic clock.
   */
  note(rows: readonly HeartbeatSeen[], nowMs: number): void {
    const seen = new Map<SessionId, Seen>();
    for (const { session, heartbeatAtMs } of rows) {
      const before = this.#seen.get(session);
      seen.set(session, before?.heartbeatAtMs === heartbeatAtMs ? before : { heartbeatAtMs, sinceMs: nowMs });
    }
    this.#seen = seen;
  }

  /**
   * Returns at most `limit` sessions whose heartbeat has stayed unchanged for longer than
   * `silenceMs`.
   */
  unchangedFor(silenceMs: number, nowMs: number, limit: number): HeartbeatSeen[] {
    const unchanged: HeartbeatSeen[] = [];
    for (const [session, { heartbeatAtMs, sinceMs }] of this.#seen)
      if (nowMs - sinceMs > silenceMs && unchanged.length < limit) unchanged.push({ session, heartbeatAtMs });
    return unchanged;
  }

  /**
   * The time until the next session has been unchanged for `silenceMs`, unless it sends a
   * heartbeat; Infinity if there is no such session.
   */
  nextInMs(silenceMs: number, nowMs: number): number {
    const left = [...this.#seen.values()].map(({ sinceMs }) => Math.floor(sinceMs + silenceMs - nowMs) + 1);
    return Math.min(Infinity, ...left.filter((ms) => ms > 0));
  }
}
