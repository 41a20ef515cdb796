import type { Status, TransactionKey } from '@holdfast/protocol';
import type { Alert, AlertHook, Clock, Logger, Timer } from '../environment.ts';
import type { Transaction } from '../patterns/model.ts';
import type { EngineObserver } from '../observer.ts';
import type { Effects, TransactionEvent } from '../patterns/step.ts';
import type { CallListener, Calls, InFlight, Permit } from './calls.ts';
import type { Replies } from './replies.ts';
import type { Reply } from './delivery.ts';
import type { Run } from './run.ts';
import type { Session } from './session.ts';

interface EffectRunnerDependencies {
  readonly calls: Calls;
  readonly clock: Clock;
  readonly session: Session;
  readonly observer: EngineObserver;
  readonly logger: Logger;
  /** Absent if no hook is configured. */
  readonly alert?: AlertHook;
  readonly replies: Replies;
  /** Called when an alert was acknowledged; its run may have left memory. */
  readonly onAcknowledged: (key: TransactionKey) => void;
  /** Delivers the result of a call, or the expiry of a timer, to its transaction. */
  readonly deliver: (run: Run, event: TransactionEvent) => void;
  /** Called for an exception outside the run's own work. */
  readonly failed: (run: Run, error: unknown) => void;
}

/** The longest delay of a timer in Node; waking early is harmless. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/**
 * Carries out the effects of a step, once what must be durable is durable.
 *
 * E2  A branch is called only by the owner of the record, while its lease holds.
 */
export class EffectRunner {
  readonly #d: EffectRunnerDependencies;
  /** Transactions with an alert that the hook has neither acknowledged nor rejected yet. */
  readonly #alerting = new Set<string>();
  /** Calls in flight of runs that left memory, by the ID of their transaction. */
  readonly #outlived = new Map<string, InFlight>();

  constructor(dependencies: EffectRunnerDependencies) {
    this.#d = dependencies;
  }

  /** Resolves the reply and, if this node owns the record, sets the timer and starts the calls. */
  carryOut(run: Run, transaction: Transaction, effects: Effects, reply: Reply | undefined): void {
    this.#reply(run, transaction, effects, reply);
    if (run.ownership !== 'ours') return;
    run.setTimer(effects.wakeAtMs === null ? undefined : this.#wake(run, effects.wakeAtMs));
    if (effects.calls.length === 0 && !effects.check) return;
    const earlier = this.#outlived.get(run.id);
    if (earlier === undefined) this.#start(run, transaction, effects);
    else this.#startAfter(earlier, run, transaction, effects);
  }

  /** Separate, so that starting at once creates no closure. */
  #startAfter(earlier: InFlight, run: Run, transaction: Transaction, effects: Effects): void {
    earlier.onNone.push(() => this.#startLate(run, () => this.#start(run, transaction, effects)));
  }

  #start(run: Run, transaction: Transaction, { calls, check }: Effects): void {
    const listener = this.#listener(run);
    const { inFlight } = run;
    if (calls.length > 0) {
      const { status } = transaction.state;
      // A call that waits for its turn is not started after a decision that makes it unnecessary.
      const permit = (): Permit => (run.transaction?.state.status === status ? this.#permit(run) : 'withdrawn');
      this.#d.calls.branches({ transaction, inFlight, permit, listener }, calls);
    }
    if (check) this.#d.calls.check({ transaction, inFlight, permit: () => this.#permit(run), listener });
  }

  #permit(run: Run): Permit {
    return this.#mayCall(run) ? 'granted' : 'void';
  }

  /**
   * Runs outside the run's own work: an exception here must not be attributed to the call that has
   * just returned.
   */
  #startLate(run: Run, start: () => void): void {
    try {
      if (run.isAlive) start();
    } catch (error) {
      this.#d.failed(run, error);
    }
  }

  /**
   * Notes that a run has left memory. Its calls that are still in flight hold back the calls of the
   * transaction's next run: otherwise an immediate retry by an operator would call a branch while
   * its previous call is still running.
   */
  outlived({ id, inFlight }: Run): void {
    if (inFlight.calls === 0) return;
    this.#outlived.set(id, inFlight);
    inFlight.onNone.push(() => {
      if (this.#outlived.get(id) === inFlight) this.#outlived.delete(id);
    });
  }

  /** Calls made by earlier sessions, of this node or another, hold nothing back. */
  newSession(): void {
    this.#outlived.clear();
  }

  /** Converts the results of calls to events. */
  #listener(run: Run): CallListener {
    return {
      responded: (index, result, durationMs) =>
        this.#deliver(
          run,
          index === 'check'
            ? { kind: 'checked', result, durationMs }
            : { kind: 'responded', branch: index, result, durationMs },
        ),
      deferred: (calls, result, againInMs) => this.#deliver(run, { kind: 'deferred', calls, result, againInMs }),
    };
  }

  /**
   * The pass continues under another owner: callers that wait for it receive the transaction in its
   * current, unfinished state.
   */
  replyEarly(run: Run): void {
    const { transaction } = run;
    if (transaction === undefined) return;
    for (const reply of run.takePassWaiters()) this.#d.replies.done(reply, transaction);
  }

  /**
   * Results that arrive after this node has released or dropped the run are discarded: the next
   * owner calls again.
   */
  #deliver(run: Run, event: TransactionEvent): void {
    if (run.isAlive) this.#d.deliver(run, event);
  }

  /** Checked right before each call (E2). A lapsed lease drops every run of this node. */
  #mayCall(run: Run): boolean {
    const { session } = this.#d;
    return run.isAlive && session.keepsLease();
  }

  #wake(run: Run, atMs: number): Timer {
    const delayMs = Math.max(0, atMs - this.#d.session.nowMs());
    return this.#d.clock.setTimer(Math.min(LONGEST_TIMER_MS, delayMs), () => {
      run.timerExpired();
      this.#deliver(run, { kind: 'timer' });
    });
  }

  #reply(run: Run, transaction: Transaction, effects: Effects, reply: Reply | undefined): void {
    if (reply?.wholePass === true) run.awaitPass(reply);
    else this.#d.replies.done(reply, transaction);
    if (effects.passOver) this.replyEarly(run);
    if (effects.alert !== undefined) this.raise(run, transaction.state.status, effects.alert);
  }

  /** Raises an alert: the transaction has just come to need operator attention. */
  raise(run: Run, status: Status, alert: NonNullable<Effects['alert']>): void {
    const { key, id } = run;
    const { observer, logger } = this.#d;
    observer.alerted();
    logger.warn({ gid: key.gid, ...alert }, 'a transaction needs operator attention');
    const hook = this.#d.alert;
    if (hook === undefined || this.#alerting.has(id)) return;
    this.#alerting.add(id);
    void this.#notify(hook, run, { namespace: key.namespace, gid: key.gid, status, ...alert });
  }

  /**
   * Without an acknowledgement the record keeps the alert, which is raised again when the record is
   * resumed.
   */
  async #notify(hook: AlertHook, run: Run, alert: Alert): Promise<void> {
    try {
      await hook(alert);
    } catch (error) {
      this.#d.logger.error({ gid: alert.gid, err: error }, 'could not deliver an alert; it will be raised again');
      return;
    } finally {
      this.#alerting.delete(run.id);
    }
    this.#d.onAcknowledged(run.key);
  }
}
