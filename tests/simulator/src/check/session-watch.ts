import type { SessionId } from '@holdfast/core/store';
import type { Counters } from '../counters.ts';
import type { Trace } from '../kernel/trace.ts';
import type { Checker } from './checker.ts';

export interface SessionWatchDependencies {
  readonly checker: Checker;
  readonly trace: Trace;
  readonly counters: Counters;
  readonly maxInProgress: number;
}

/** A node that measures the silence of others may have a slightly fast clock. */
const FAST_CLOCK = 0.95;

/**
 * Tracks the sessions in the store: which ones are alive, when each sent its last heartbeat (in
 * simulated time, not the store's), and how many records each owns.
 */
export class SessionWatch {
  readonly #d: SessionWatchDependencies;
  readonly #lastBeatMs = new Map<SessionId, number>();
  readonly #owned = new Map<SessionId, number>();

  constructor(dependencies: SessionWatchDependencies) {
    this.#d = dependencies;
  }

  /** Whether the session was opened and has not ended. */
  isLiving(session: SessionId): boolean {
    return this.#lastBeatMs.has(session);
  }

  opened(session: SessionId, nowMs: number): void {
    this.#d.trace.add('', '', `store: session ${session} opened`);
    this.#lastBeatMs.set(session, nowMs);
  }

  beat(session: SessionId, alive: boolean, nowMs: number): void {
    this.#d.checker.expect(
      alive === this.isLiving(session),
      'OWN3',
      '',
      () => `session ${session} received alive = ${alive}`,
    );
    if (alive) this.#lastBeatMs.set(session, nowMs);
  }

  ended(session: SessionId): void {
    this.#d.trace.add('', '', `store: session ${session} ended`);
    this.#lastBeatMs.delete(session);
  }

  endedBySilence(sessions: readonly SessionId[], silenceMs: number, nowMs: number): void {
    for (const session of sessions) {
      const silentMs = nowMs - (this.#lastBeatMs.get(session) ?? -Infinity);
      this.#d.checker.expect(
        silentMs > silenceMs * FAST_CLOCK,
        'OWN3',
        '',
        () => `session ${session} was ended after ${silentMs} ms of silence`,
      );
      this.#d.counters.count('sessions ended by silence');
      this.ended(session);
    }
  }

  /** The ownership of a record changes. */
  ownership(gid: string, from: SessionId | null, to: SessionId | null): void {
    if (from === to) return;
    if (from !== null) this.#owned.set(from, (this.#owned.get(from) ?? 0) - 1);
    if (to === null) return;
    const owned = (this.#owned.get(to) ?? 0) + 1;
    const { checker, maxInProgress } = this.#d;
    this.#owned.set(to, owned);
    checker.expect(
      owned <= maxInProgress,
      'OWN5',
      gid,
      () => `${to} owns ${owned} transactions, ${maxInProgress} are allowed`,
    );
  }
}
