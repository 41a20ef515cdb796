import type { BranchCaller, Random } from '../environment.ts';
import type { Transaction } from '../patterns/model.ts';
import type { Policy } from '../patterns/step.ts';
import type { Commands } from './commands.ts';
import { decide, isBusy, type Verdict } from './deliver.ts';
import type { Delivery } from './delivery.ts';
import type { Departures } from './departures.ts';
import type { EffectRunner } from './effects.ts';
import { internal } from './errors.ts';
import { faultOfNewHeaders } from './new-headers.ts';
import type { ProgressWriter } from './progress.ts';
import type { Registry } from './registry.ts';
import type { Replies } from './replies.ts';
import type { Run } from './run.ts';
import type { Session } from './session.ts';
import type { Writer } from './writer.ts';

interface RunnerDependencies {
  readonly caller: BranchCaller;
  readonly session: Session;
  readonly random: Random;
  readonly policy: Policy;
  readonly registry: Registry;
  readonly replies: Replies;
  readonly effects: EffectRunner;
  readonly progress: ProgressWriter;
  readonly departures: Departures;
  readonly writer: Pick<Writer, 'write'>;
  readonly commands: Pick<Commands, 'forward'>;
}

/**
 * Delivers the events of a run to the pure core one at a time, and carries out what `decide`
 * returns: a write, effects, or neither. Has no state.
 *
 * E1  What `persist: wait` requires is durable before any other effect of that step happens (D1).
 */
export class Runner {
  readonly #d: RunnerDependencies;

  constructor(dependencies: RunnerDependencies) {
    this.#d = dependencies;
  }

  deliver(run: Run, delivery: Delivery): void {
    run.enqueue(delivery);
    this.work(run);
  }

  /** Delivers queued events until a write must be waited for. */
  work(run: Run): void {
    if (!run.beginWork()) return;
    try {
      while (run.phase === 'open') {
        const next = run.next();
        if (next === undefined) break;
        this.#apply(run, next);
      }
      if (run.phase === 'open') this.#settle(run);
    } catch (error) {
      this.#d.departures.fail(run, error);
    } finally {
      run.endWork();
    }
  }

  /**
   * Called when nothing is queued. A run that does not own its record is no longer needed; a run
   * that owns it must have calls in progress (E7).
   */
  #settle(run: Run): void {
    if (run.ownership === 'none' || run.ownership === 'theirs') this.#d.registry.remove(run);
    else if (run.ownership === 'orphaned' || run.transaction === undefined || !isBusy(run.transaction))
      throw new Error('the record is owned, and nothing in it is to be driven');
  }

  #apply(run: Run, delivery: Delivery): void {
    const { replies, commands, writer, progress, effects } = this.#d;
    const before = run.transaction;
    if (before === undefined) throw new Error('an open run has a transaction');
    const { reply } = delivery;
    const verdict = this.#decide(run, before, delivery);
    switch (verdict.kind) {
      case 'refused':
        return replies.failed(reply, verdict.error);
      case 'forward':
        return commands.forward(before, run.id, verdict.entry, reply);
      case 'write':
        run.stepped(verdict.transaction);
        return writer.write(run, { before, delivery, effects: verdict.effects });
      case 'proceed':
        run.stepped(verdict.transaction);
        if (verdict.effects.persist === 'lazily') progress.mark(run);
        effects.carryOut(run, verdict.transaction, verdict.effects, reply);
    }
  }

  #decide(run: Run, before: Transaction, delivery: Delivery): Verdict {
    const { session, random, policy, replies, caller } = this.#d;
    try {
      const error = run.version > 0 ? faultOfNewHeaders(caller, before, delivery) : undefined;
      if (error !== undefined) return { kind: 'refused', error };
      return decide(run, before, delivery, { nowMs: session.nowMs(), random: random(), policy });
    } catch (error) {
      replies.failed(delivery.reply, internal(run.key, error));
      throw error;
    }
  }
}
