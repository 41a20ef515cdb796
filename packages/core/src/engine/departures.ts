import { type HoldfastError, stackOfThrown, textOfThrown, type TransactionKey } from '@holdfast/protocol';
import type { Logger } from '../environment.ts';
import type { StoredTransaction } from '../store/store.ts';
import type { Adoption } from './adoption.ts';
import type { Commands } from './commands.ts';
import type { Committer } from './committer.ts';
import type { Doubts } from './doubts.ts';
import type { EffectRunner } from './effects.ts';
import { internal, unavailable } from './errors.ts';
import type { ProgressWriter } from './progress.ts';
import type { Registry } from './registry.ts';
import type { Releaser } from './releaser.ts';
import type { Replies } from './replies.ts';
import type { Run } from './run.ts';
import { versionAfter } from './run-write.ts';
import type { Session } from './session.ts';

interface DeparturesDependencies {
  readonly session: Session;
  readonly committer: Committer;
  readonly logger: Logger;
  readonly registry: Registry;
  readonly replies: Replies;
  readonly effects: EffectRunner;
  readonly progress: ProgressWriter;
  readonly releaser: Releaser;
  readonly doubts: Doubts;
  readonly adoption: () => Adoption;
  readonly commands: () => Pick<Commands, 'again'>;
}

/**
 * The ways in which a run that cannot continue leaves memory: dropped, if it owns no record;
 * released, parked, if it owns one; or with its session. Waiting callers receive the error. Has no
 * state.
 *
 * E6  An exception in a run stays in that run: the record is released, parked with the error as its
 *     reason.
 */
export class Departures {
  readonly #d: DeparturesDependencies;

  constructor(dependencies: DeparturesDependencies) {
    this.#d = dependencies;
  }

  /** Handles an exception in a run (E6). */
  fail(run: Run, thrown: unknown): void {
    const error = internal(run.key, thrown);
    this.#d.logger.error({ gid: run.key.gid, error: stackOf(thrown) }, 'transaction parked after an internal error');
    if (run.phase === 'gone') return;
    // Without a version the store has no record of the transaction, unless a claim returned one.
    if (run.version === 0 && run.claimed === undefined && run.phase !== 'loading') this.drop(run, error);
    else this.release(run, error);
  }

  /** Discards a run that owns no record; waiting callers receive the error. */
  drop(run: Run, error: HoldfastError): void {
    const { claimed } = run;
    this.#discard(run, error);
    if (claimed !== undefined && this.#d.session.leaseHeld()) this.#d.adoption().take(claimed);
  }

  /** Discards all runs: the session has ended, and nothing more is called or written for them. */
  dropAll(): void {
    const { registry, doubts, effects, committer } = this.#d;
    for (const run of registry.all()) this.#discard(run, unavailable(run.key, 'this node lost its session'));
    doubts.clear();
    effects.newSession();
    committer.abandon();
  }

  #discard(run: Run, error: HoldfastError): void {
    const replies = run.takeReplies();
    this.#d.registry.remove(run);
    for (const reply of replies) this.#d.replies.failed(reply, error);
  }

  /** Parks a run that cannot continue. The record stays owned until the release is durable (E7). */
  release(run: Run, error: HoldfastError): void {
    const { progress, releaser } = this.#d;
    const replies = run.takeReplies();
    run.release();
    progress.clear(run);
    for (const reply of replies) this.#d.replies.failed(reply, error);
    releaser.park(run, error.message, (parked) => this.#released(run, parked, error.message));
  }

  #released(run: Run, parked: StoredTransaction | undefined, reason: string): void {
    if (parked !== undefined) this.#d.effects.raise(run, parked.status, { branch: '', error: reason, retryCount: 0 });
    // Only a claim made after this release counts.
    run.sawVersion(versionAfter(run, parked));
    this.leave(run);
  }

  /**
   * Removes a run that drove nothing, after its record was released. The record may have been
   * claimed since then, and changed after that claim.
   */
  leave(run: Run): void {
    const { claimed, version, queue } = run;
    this.#d.registry.remove(run);
    if (claimed !== undefined && claimed.version > version && this.#d.session.leaseHeld()) {
      this.#d.adoption().takeLater(claimed);
    }
    this.#d.commands().again(run, queue);
  }

  /** Remembers that this session may own the record, although no run drives it. */
  doubt(key: TransactionKey, version: number): void {
    const { doubts, session } = this.#d;
    if (!doubts.add(key, version)) session.lose('it may own too many records that no run drives');
  }
}

const stackOf = (thrown: unknown): string => stackOfThrown(thrown) ?? textOfThrown(thrown);
