import { setTimeout as delay } from 'node:timers/promises';
import { type Barrier, BranchFailure, type BranchKey } from '@holdfast/client';
import type { LineWriter } from '../journal.ts';
import type { Step } from './chaos-plan.ts';
import type { Ledger } from './databases/ledger.ts';
import type { ChaosLine } from './lines.ts';

/** Which handlers repeat their work; the coordinator calls again after the last attempt. */
const MOST_ATTEMPTS = 6;
/** Each takes as long as the coordinator waits for a response. */
const MOST_LONG_ATTEMPTS = 2;
const LONGEST_PAUSE_MS = 30;

/** The reason of a failure that was planned. */
const PLANNED = 'failed as planned';

const isForward = (op: string): boolean => op === 'action' || op === 'try' || op === 'msg';

/** The business code of participants and initiators: one step behind the barrier. */
export class StepWork {
  readonly #ledger: Ledger<unknown>;
  readonly #lines: LineWriter<ChaosLine>;
  /** Ops whose connection was ended in this process. */
  readonly #terminated = new Set<string>();

  constructor(ledger: Ledger<unknown>, lines: LineWriter<ChaosLine>) {
    this.#ledger = ledger;
    this.#lines = lines;
  }

  /**
   * Carries out one op behind the barrier. As the guide has it, a handler repeats a use that lost
   * against another transaction; after any other failure only one that numbers its uses does.
   *
   * @param step of the op; absent when the call carries none, as the end of an XA branch
   */
  async run(barrier: Barrier<unknown>, call: BranchKey, step: Step | undefined): Promise<void> {
    const { numbered = false } = step ?? {};
    for (let attempt = 1; ; attempt++) {
      try {
        const key = numbered ? { ...call, use: 1 } : call;
        const outcome = await barrier.run(key, async (tx) => {
          if (step !== undefined) await this.write(tx, call, step);
        });
        if (!outcome.ran && outcome.why === 'empty' && call.transType !== 'xa')
          this.#fault(call.gid, 'undo of what never ran');
        return;
      } catch (error) {
        // A branch of XA that waited too long for a lock has failed.
        const isFailure = error instanceof BranchFailure;
        const loss = this.#ledger.lossOf(isFailure ? error.cause : error);
        if (loss !== undefined) this.#fault(call.gid, loss);
        else if (isFailure && error.message !== PLANNED) this.#fault(call.gid, 'late action rejected');
        const isLong = loss === 'lock wait timeout';
        const mayRepeat = loss !== undefined && (numbered || !isLong);
        if (!mayRepeat || attempt >= (isLong ? MOST_LONG_ATTEMPTS : MOST_ATTEMPTS)) throw error;
        await delay(Math.random() * LONGEST_PAUSE_MS);
      }
    }
  }

  /** The work itself, in an open transaction. Throws what was planned. */
  async write(tx: unknown, call: Pick<BranchKey, 'gid' | 'op'>, step: Step): Promise<void> {
    const { gid, op } = call;
    await this.#terminate(tx, call, step, 'before work');
    await this.#ledger.apply(tx, { gid, step: step.step, op, changes: step.changes }, step.holdMs);
    await this.#terminate(tx, call, step, 'after work');
    // Behind what it wrote, which must not stay.
    if (step.refuse && isForward(op)) throw new BranchFailure(PLANNED);
  }

  async #terminate(tx: unknown, call: Pick<BranchKey, 'gid' | 'op'>, step: Step, when: string): Promise<void> {
    const key = `${call.gid} ${step.step} ${call.op}`;
    if (step.termination !== when || this.#terminated.has(key)) return;
    if (step.sparesForward && isForward(call.op)) return;
    this.#terminated.add(key);
    await this.#ledger.terminate(tx);
    this.#fault(call.gid, `terminated ${when}`);
  }

  #fault(gid: string, fault: string): void {
    this.#lines.append({ kind: 'fault', gid, fault });
  }
}
