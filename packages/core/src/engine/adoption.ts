import type { Clock } from '../environment.ts';
import type { StoredTransaction } from '../store.ts';
import { type ClaimedRun, openInTurns } from './claimed-runs.ts';
import { onClaim } from './reconcile.ts';
import type { Releaser } from './releaser.ts';
import type { RunTable } from './run-table.ts';
import { idOf, newRun, type Run } from './run.ts';
import { versionAfter } from './run-write.ts';
import { type Suspect, Trials } from './trials.ts';

interface AdoptionDependencies {
  readonly runs: RunTable;
  readonly releaser: Releaser;
  readonly clock: Clock;
  readonly maxClaims: number;
  /** Decides about a run and the record that a claim returned for it. */
  readonly reconcile: (run: Run, record: StoredTransaction) => void;
  /** Reads the record of a run first, since it may have changed after the claim. */
  readonly reread: (run: Run) => void;
  /** The record of a run was released; `dueInMs`: when it is due again. */
  readonly onPutBack: (run: Run, dueInMs: number) => void;
}

/**
 * Makes runs of the records that claims return; suspects are tried a few at a time, or put back
 * (`Trials`).
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

  /** False while a claim would put more at risk than one transaction (TR4). */
  get mayClaim(): boolean {
    return !this.#trials.isLast;
  }

  /** What a claim returned: each suspect that no run has is tried, or put back. */
  takeAll(records: readonly StoredTransaction[]): void {
    const suspects: Suspect[] = [];
    const others: ClaimedRun[] = [];
    for (const record of records) {
      const claims = this.#trials.claimsOf(record);
      if (this.#d.runs.get(idOf(record.key)) !== undefined) this.take(record);
      else {
        const run = this.add(record);
        if (claims === 0) others.push({ run, record });
        else suspects.push({ run, record, claims });
      }
    }
    openInTurns(others, this.#d.clock, this.#d.reconcile);
    this.#trials.take(suspects);
  }

  /** A record that this session has claimed, whether a run has it or not. */
  take(record: StoredTransaction): void {
    const existing = this.#d.runs.get(idOf(record.key));
    switch (onClaim(existing, record)) {
      case 'ignore':
        return;
      case 'open':
        return this.#open(record, false);
      case 'remember':
      case 'reconcile':
        if (existing === undefined) return;
        existing.claimed = record;
        if (existing.phase === 'open') this.#d.reconcile(existing, record);
    }
  }

  /** A run for a claimed record, not opened yet. */
  add(record: StoredTransaction): Run {
    const { key, group } = record;
    const run = this.#d.runs.add(newRun(idOf(key), key, 'loading', group));
    run.claimed = record;
    return run;
  }

  /** A record that was claimed while its earlier run was leaving memory. */
  takeLater(record: StoredTransaction): void {
    this.#open(record, true);
  }

  /** A run for a record that has none; of a suspect once it may be tried. */
  #open(record: StoredTransaction, isOld: boolean): void {
    const claims = this.#trials.claimsOf(record);
    const run = this.add(record);
    if (claims > 0) this.#trials.take([{ run, record, claims, isOld }]);
    else if (isOld) this.#d.reread(run);
    else this.#d.reconcile(run, record);
  }

  #putBack({ run, record, claims }: Suspect, dueInMs: number, done: () => void): void {
    run.phase = 'releasing';
    this.#d.releaser.putBack(run, record, { dueInMs, suspicion: claims - 1 }, (released) => {
      run.version = versionAfter(run, released);
      this.#d.onPutBack(run, dueInMs);
      done();
    });
  }
}
