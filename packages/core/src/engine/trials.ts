import { decodeState, maySuspect } from '../codec/state-codec.ts';
import { callsNoBranch, SUSPECT_CLAIMS } from '../patterns/suspicion.ts';
import type { StoredTransaction } from '../store/store.ts';
import type { Run } from './run.ts';

/** A claimed transaction that may have crashed the nodes that drove it. */
export interface Suspect {
  readonly run: Run;
  readonly record: StoredTransaction;
  /** Claims without progress, including those recorded as its suspicion. */
  readonly claims: number;
  /** The record may have changed after it was claimed: it is read again before it is driven. */
  readonly isOld?: boolean;
}

interface TrialsDependencies {
  readonly maxClaims: number;
  /**
   * Releases a suspect undriven, due after the time given; `done` is called when that is durable.
   */
  readonly putBack: (suspect: Suspect, dueInMs: number, done: () => void) => void;
  /** Runs `callback` once after `delayMs`. */
  readonly later: (delayMs: number, callback: () => void) => void;
  /** Drives a suspect, unless its run has left memory. */
  readonly drive: (suspect: Suspect) => void;
}

/**
 * The more suspects may be on trial at once, the fewer crashes are needed to find the one that
 * causes them.
 */
const FEWER = 8;
/**
 * A suspect that is released again is due after this time, and those after it later, as many at a
 * time as may be on trial.
 */
const PUT_BACK_MS = 1_000;
const LONGEST_PUT_BACK_MS = 10_000;
/** How long the suspects on trial wait until the others are written back. */
const PATIENCE_MS = 10_000;

/**
 * Drives suspects a few at a time, so that only the transaction that really crashes its nodes is
 * parked.
 *
 * TR1  At most `8 ** (maxClaims - claims)` suspects are on trial at once, `claims` being the
 *      highest among them: exactly one before it is parked.
 * TR2  A suspect that is not tried now is written back undriven before any suspect of its claim is
 *      driven, so that a crash does not count against it. The suspects on trial wait at most
 *      `PATIENCE_MS` for these writes: a later crash then counts against the unwritten suspects as
 *      well.
 * TR3  A trial ends with the write of the first result, with a release, or when the node has
 *      survived with the transaction for as long as progress may stay unwritten.
 * TR4  Nothing more is claimed while a suspect is on its last trial.
 */
export class Trials {
  readonly #d: TrialsDependencies;
  readonly #onTrial = new Map<Run, number>();

  constructor(dependencies: TrialsDependencies) {
    this.#d = dependencies;
  }

  /** Whether a transaction is on trial that is parked if this node crashes now. */
  get isLast(): boolean {
    return this.#onTrial.size > 0 && this.#mostClaims() >= this.#d.maxClaims;
  }

  /** The claims of a claimed record, if they make it a suspect; otherwise 0. */
  claimsOf(record: StoredTransaction): number {
    const { pattern, status, claims, state } = record;
    if (claims < SUSPECT_CLAIMS && !maySuspect(state)) return 0;
    if (callsNoBranch(pattern, status)) return 0;
    const suspicion = suspicionIn(state);
    if (suspicion === undefined) return 0;
    const all = claims + suspicion;
    return all < SUSPECT_CLAIMS || all > this.#d.maxClaims ? 0 : all;
  }

  /** Drives some of the suspects that a claim returned, and releases the others again. */
  take(suspects: readonly Suspect[]): void {
    if (suspects.length === 0) return;
    const tried: Suspect[] = [];
    const others: Suspect[] = [];
    let most = this.#mostClaims();
    for (const suspect of suspects.toSorted((a, b) => b.claims - a.claims)) {
      most = Math.max(most, suspect.claims);
      if (this.#onTrial.size < this.#limit(most)) {
        this.#onTrial.set(suspect.run, suspect.claims);
        tried.push(suspect);
      } else others.push(suspect);
    }
    this.#putBack(others, this.#limit(most), () => tried.forEach((suspect) => this.#d.drive(suspect)));
  }

  #limit(claims: number): number {
    return FEWER ** (this.#d.maxClaims - claims);
  }

  #putBack(suspects: readonly Suspect[], atOnce: number, done: () => void): void {
    let left = suspects.length;
    if (left === 0) return done();
    let isDone = false;
    const once = (): void => {
      if (isDone) return;
      isDone = true;
      done();
    };
    this.#d.later(PATIENCE_MS, once);
    suspects.forEach((suspect, place) => {
      const dueInMs = Math.min(LONGEST_PUT_BACK_MS, PUT_BACK_MS * (1 + Math.floor(place / atOnce)));
      this.#d.putBack(suspect, dueInMs, () => {
        if (--left === 0) once();
      });
    });
  }

  /**
   * The most claims of a suspect on trial, after finished trials were removed; 0 if none is on
   * trial.
   */
  #mostClaims(): number {
    let most = 0;
    for (const [run, claims] of this.#onTrial)
      if (isOnTrial(run)) most = Math.max(most, claims);
      else this.#onTrial.delete(run);
    return most;
  }
}

const isOnTrial = ({ phase, suspect, isDriving }: Run): boolean => phase === 'loading' || (suspect && isDriving);

/** Undefined if the state cannot be read, so that the transaction is parked and not driven. */
function suspicionIn(state: Uint8Array): number | undefined {
  try {
    return decodeState(state).suspicion;
  } catch {
    return undefined;
  }
}
