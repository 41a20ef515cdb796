import type { Clock, Logger, Timer } from '../environment.ts';
import type { EngineObserver } from '../observer.ts';
import {
  type ClaimResult,
  type SessionId,
  type Store,
  StoreError,
  type StoreErrorCode,
  type StoredTransaction,
} from '../store/store.ts';
import { PacedWarning } from './paced-warning.ts';
import type { Session } from './session.ts';

interface ClaimerDependencies {
  readonly store: Store;
  readonly session: Session;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly observer: EngineObserver;
  readonly options: { readonly pollMs: number; readonly claimBatch: number; readonly groups: readonly string[] };
  /** The number of further transactions that this node may take. */
  readonly room: () => number;
  /** Drives the records that `claim` returns, at most `limit`. */
  readonly adopt: (limit: number, claim: () => Promise<readonly StoredTransaction[]>) => Promise<void>;
}

/** Pause between two claims while more is due than this node has room for. */
const FULL_PAUSE_MS = 20;
/**
 * Pause before the next claim if transactions are due but none could be claimed, because other
 * clients of the database have locked the records.
 */
const LOCKED_PAUSE_MS = 50;

/**
 * Claims due work from the store at the earliest known due time, and at least once per poll
 * interval, because other nodes and ending sessions make work due as well.
 */
export class Claimer {
  readonly #d: ClaimerDependencies;
  readonly #trouble: PacedWarning;
  #timer: Timer | undefined;
  #timerAtMs = Infinity;
  #claiming = false;
  #stopped = true;

  constructor(dependencies: ClaimerDependencies) {
    this.#d = dependencies;
    this.#trouble = new PacedWarning(dependencies, 'due transactions could not be claimed');
  }

  start(): void {
    this.#stopped = false;
    this.#wakeIn(0);
  }

  stop(): void {
    this.#stopped = true;
    this.#timer?.cancel();
    this.#timerAtMs = Infinity;
  }

  /** Notes that a transaction will be due in `dueInMs`. */
  hint(dueInMs: number): void {
    this.#wakeIn(dueInMs);
  }

  #wakeIn(delayMs: number): void {
    const atMs = this.#d.clock.monotonicMs() + Math.min(delayMs, this.#d.options.pollMs);
    if (this.#stopped || atMs >= this.#timerAtMs) return;
    this.#timer?.cancel();
    this.#timerAtMs = atMs;
    if (this.#claiming) return;
    this.#timer = this.#d.clock.setTimer(atMs - this.#d.clock.monotonicMs(), () => void this.#claim());
  }

  async #claim(): Promise<void> {
    this.#timerAtMs = Infinity;
    this.#claiming = true;
    let nextInMs = this.#d.options.pollMs;
    try {
      nextInMs = await this.#claimOnce();
    } catch (error) {
      this.#trouble.failed(error);
    }
    this.#claiming = false;
    // Hints received during the claim moved the due time but set no timer.
    const hintedInMs = this.#timerAtMs - this.#d.clock.monotonicMs();
    this.#timerAtMs = Infinity;
    this.#wakeIn(Math.max(0, Math.min(nextInMs, hintedInMs)));
  }

  /** Returns the milliseconds until the next claim. */
  async #claimOnce(): Promise<number> {
    const { session, options } = this.#d;
    const limit = Math.min(options.claimBatch, this.#d.room());
    if (limit <= 0) return FULL_PAUSE_MS;
    if (!session.leaseHeld()) return options.pollMs;
    let nextInMs = options.pollMs;
    await this.#d.adopt(limit, async () => {
      const { claimed, nextDueInMs } = await this.#claimFromStore(session.id, limit);
      nextInMs = nextDueInMs ?? options.pollMs;
      if (claimed.length === 0) nextInMs = Math.max(nextInMs, LOCKED_PAUSE_MS);
      return claimed;
    });
    return nextInMs;
  }

  async #claimFromStore(owner: SessionId, limit: number): Promise<Pick<ClaimResult, 'claimed' | 'nextDueInMs'>> {
    const { store, session, options, observer } = this.#d;
    try {
      const result = await store.claimDue({ session: owner, limit, groups: options.groups });
      this.#trouble.succeeded();
      if (result.sessionEnded && owner === session.id) session.lose('another node ended it after a silence');
      if (result.claimed.length > 0) observer.claimed(result.claimed.length);
      // These records were claimed by a session that has ended; the next takeover releases them.
      const isOver = owner !== session.id || session.loseIfLapsed() || !session.leaseHeld();
      return isOver ? { claimed: [], nextDueInMs: null } : result;
    } catch (error) {
      // The session may own records that no run drives. It is ended, so that its records are
      // released.
      if (mayHaveClaimed(error) && owner === session.id) session.lose('the result of its last claim is unknown');
      throw error;
    }
  }
}

/**
 * For errors other than those in `CERTAIN` the store does not guarantee that nothing was applied.
 */
const mayHaveClaimed = (error: unknown): boolean => !(error instanceof StoreError) || !CERTAIN.has(error.code);

const CERTAIN: ReadonlySet<StoreErrorCode> = new Set(['closed', 'locked', 'invalid', 'unavailable']);
