/**
 * Remembers the calls that were received, so that each is accepted once. Participants with several
 * processes may share one, for example in Redis: `SET key '' NX PX ttlMs`.
 */
export interface ReplayStore {
  /**
   * Adds a call, to be remembered for at least `ttlMs`. Returns whether it is new. A call is not
   * accepted if this throws; the coordinator repeats it later.
   *
   * @param nonce identifies the request; at most 128 characters, `A-Z a-z 0-9 - _`
   * @param signedAtMs when the coordinator sent the call, by its clock
   */
  add(nonce: string, ttlMs: number, signedAtMs: number): boolean | Promise<boolean>;
}

/** Number of calls that are remembered by default; 100,000 take about 15 MB. */
export const DEFAULT_REMEMBERED_CALLS = 100_000;

interface Remembered {
  readonly untilMs: number;
  readonly signedAtMs: number;
}

/**
 * The calls of one process, in memory.
 *
 * - RT1 A call is accepted once within the time that the verifier allows.
 * - RT2 The number of calls is bounded. When the oldest must be forgotten before its time, calls
 *   that were signed no later than it are rejected from then on: under load, the accepted age of
 *   calls shrinks, and no replay is accepted.
 */
export class ReplayTable implements ReplayStore {
  readonly #max: number;
  readonly #nowMs: () => number;
  readonly #calls = new Map<string, Remembered>();
  /** Calls signed at this time or earlier are rejected. */
  #floorMs = -Infinity;

  /** @param nowMs a clock that never goes backwards */
  constructor(max: number, nowMs: () => number) {
    this.#max = max;
    this.#nowMs = nowMs;
  }

  /** Number of calls that are remembered. */
  get size(): number {
    return this.#calls.size;
  }

  add(nonce: string, ttlMs: number, signedAtMs: number): boolean {
    if (signedAtMs <= this.#floorMs || this.#calls.has(nonce)) return false;
    this.#forget();
    this.#calls.set(nonce, { untilMs: this.#nowMs() + ttlMs, signedAtMs });
    return true;
  }

  /** The oldest calls come first, though not exactly: the clocks of coordinators differ. */
  #forget(): void {
    const nowMs = this.#nowMs();
    for (const [nonce, { untilMs, signedAtMs }] of this.#calls) {
      const isExpired = untilMs <= nowMs;
      if (!isExpired && this.#calls.size < this.#max) return;
      if (!isExpired) this.#floorMs = Math.max(this.#floorMs, signedAtMs);
      this.#calls.delete(nonce);
    }
  }
}
