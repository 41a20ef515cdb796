import { partsOfNonce } from './nonce.ts';

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

/** Processes that are distinguished: more of them than call one participant. */
const MAX_PROCESSES = 1_000;

interface Remembered {
  readonly untilMs: number;
  readonly signedAtMs: number;
}

/** The latest call of a process that was forgotten before its time. */
interface Forgotten extends Remembered {
  readonly request: number;
}

/**
 * The calls of one process, in memory.
 *
 * - RT1 A call is accepted once within the time that the verifier allows.
 * - RT2 The number of calls is bounded. When the oldest must be forgotten before its time, calls
 *   that the same coordinator signed before it are rejected from then on: under load, the accepted
 *   age of calls shrinks, and no replay is accepted.
 * - RT3 Clocks of coordinators have no influence on each other's calls: what was forgotten is the
 *   number of a request, not its time. Only beyond 1,000 coordinators is it a time, for all.
 */
export class ReplayTable implements ReplayStore {
  readonly #max: number;
  readonly #nowMs: () => number;
  readonly #calls = new Map<string, Remembered>();
  /** By the process that signed the calls; the process that was updated last is the last one. */
  readonly #forgotten = new Map<string, Forgotten>();
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
    const { process, request } = partsOfNonce(nonce);
    if (request <= (this.#forgotten.get(process)?.request ?? -1)) return false;
    this.#makeRoom();
    this.#calls.set(nonce, { untilMs: this.#nowMs() + ttlMs, signedAtMs });
    return true;
  }

  /** The calls that were received first come first. */
  #makeRoom(): void {
    const nowMs = this.#nowMs();
    for (const [nonce, call] of this.#calls) {
      const isExpired = call.untilMs <= nowMs;
      if (!isExpired && this.#calls.size < this.#max) return;
      if (!isExpired) this.#forget(nonce, call, nowMs);
      this.#calls.delete(nonce);
    }
  }

  #forget(nonce: string, call: Remembered, nowMs: number): void {
    const { process, request } = partsOfNonce(nonce);
    const before = this.#forgotten.get(process);
    this.#forgotten.delete(process);
    this.#forgotten.set(process, {
      request: Math.max(request, before?.request ?? -1),
      signedAtMs: Math.max(call.signedAtMs, before?.signedAtMs ?? -Infinity),
      untilMs: Math.max(call.untilMs, before?.untilMs ?? -Infinity),
    });
    for (const [oldest, { untilMs, signedAtMs }] of this.#forgotten) {
      // From then on, the time of these calls is what the verifier rejects.
      const isExpired = untilMs <= nowMs;
      if (!isExpired && this.#forgotten.size <= MAX_PROCESSES) return;
      if (!isExpired) this.#floorMs = Math.max(this.#floorMs, signedAtMs);
      this.#forgotten.delete(oldest);
    }
  }
}
