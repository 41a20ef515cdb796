import type { Clock } from '../environment.ts';
import type { StoredTransaction } from '../store/store.ts';
import { type ClaimedRun, openInTurns } from './claimed-runs.ts';
import { onClaim } from './reconcile.ts';
import type { Releaser } from './releaser.ts';
import type { Registry } from './registry.ts';
import { idOf, Run } from './run.ts';
import { versionAfter } from './run-write.ts';
import { type Suspect, Trials } from './trials.ts';

interface AdoptionDependencies {
  readonly registry: Registry;
  readonly releaser: Releaser;
  readonly clock: Clock;
  readonly maxClaims: number;
  /** Decides about a run and the record that a claim returned for it. */
  readonly reconcile: (run: Run, record: StoredTransaction) => void;
  /** Reads the record of a run first, since it may have changed after the claim. */
  readonly reread: (run: Run) => void;
  /** Called when the record of a run was released; the record is due again in `dueInMs`. */
  readonly onPutBack: (run: Run, dueInMs: number) => void;
}

/**
 * Creates runs for the records that claims return. Suspects are tried a few at a time, or released
 * again (`Trials`).
 */
export class Adoption {
  readonly #d: AdoptionDependencies;
  readonly #trials: Trials;

  constructor(dependencies: AdoptionDependencies) {
    const { maxClaims, clock, reconcile, reread } = (this.#d = dependencies);
    this.#trials = new Trials({
      maxClaims,
      putBack: (suspect, dueInMs, done) => this.#putBack(suspect, dueInMs, done),
      later: (delayMs, callback) => void clock.setTimer(delayMs, callback),
      drive: ({ run, record, isOld }) => {
        if (run.phase === 'loading') (isOld === true ? reread : reconcile)(run, record);
      },
    });
  }

  /** False while another claim would put more than one transaction at risk (TR4). */
  get mayClaim(): boolean {
    return !this.#trials.isLast;
  }

  /**
   * Drives the records, at most `limit`, that `claim` takes for this session. Their room is
   * reserved until `claim` returns.
   */
  adopt(limit: number, claim: () => Promise<readonly StoredTransaction[]>): Promise<void> {
    return this.#d.registry.claim(limit, claim, (records) => this.takeAll(records));
  }

  /**
   * Takes the records that a claim returned. A suspect without a run is tried, or released again.
   */
  takeAll(records: readonly StoredTransaction[]): void {
    const suspects: Suspect[] = [];
    const others: ClaimedRun[] = [];
    for (const record of records) {
      const claims = this.#trials.claimsOf(record);
      if (this.#d.registry.get(idOf(record.key)) !== undefined) this.take(record);
      else {
        const run = this.add(record);
        if (claims === 0) others.push({ run, record });
        else suspects.push({ run, record, claims });
      }
    }
    openInTurns(others, this.#d.clock, this.#d.reconcile);
    this.#trials.take(suspects);
  }

  /** Takes a record that this session has claimed, whether or not a run exists for it. */
  take(record: StoredTransaction): void {
    const existing = this.#d.registry.get(idOf(record.key));
    switch (onClaim(existing, record)) {
      case 'ignore':
        return;
      case 'open':
        return this.#open(record, false);
      case 'remember':
        return existing?.remember(record);
      case 'reconcile':
        if (existing === undefined) return;
        existing.remember(record);
        return this.#d.reconcile(existing, record);
    }
  }

  /** Creates the run of a claimed record, without opening the run. */
  add(record: StoredTransaction): Run {
    return this.#d.registry.add(Run.ofStored(record.key, record));
  }

  /** Takes a record that was claimed while its earlier run was leaving memory. */
  takeLater(record: StoredTransaction): void {
    this.#open(record, true);
  }

  /** Opens a run for a record that has none; for a suspect, once the suspect may be tried. */
  #open(record: StoredTransaction, isOld: boolean): void {
    const claims = this.#trials.claimsOf(record);
    const run = this.add(record);
    if (claims > 0) this.#trials.take([{ run, record, claims, isOld }]);
    else if (isOld) this.#d.reread(run);
    else this.#d.reconcile(run, record);
  }

  #putBack({ run, record, claims }: Suspect, dueInMs: number, done: () => void): void {
    // The run was dropped with its session: the takeover releases the record.
    if (run.phase !== 'loading') return done();
    run.release();
    this.#d.releaser.putBack(run, record, { dueInMs, suspicion: claims - 1 }, (released) => {
      run.sawVersion(versionAfter(run, released));
      this.#d.onPutBack(run, dueInMs);
      done();
    });
  }
}
