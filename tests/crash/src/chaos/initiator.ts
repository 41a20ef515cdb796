import { setTimeout as delay } from 'node:timers/promises';
import {
  type Barrier,
  BranchFailure,
  CoordinatorUnreachable,
  type Flow,
  type Holdfast,
  RequestRejected,
  TransactionFailed,
  TransactionPending,
  UnexpectedResponse,
  type Workflow,
} from '@holdfast/client';
import { writeFault } from '../fault.ts';
import {
  type ChaosPlan,
  LATE_MS,
  type PlannedStep,
  REQUEST_TIMEOUT_MS,
  RETRY_INTERVAL_MS,
  SPARED_TIMEOUT_TO_FAIL_MS,
  type Step,
  TIMEOUT_TO_FAIL_MS,
} from './chaos-plan.ts';
import type { Ledger } from './databases/ledger.ts';
import type { OutcomeLine } from './lines.ts';
import type { StepWork } from './step-work.ts';

export interface InitiatorDependencies {
  readonly hf: Holdfast;
  readonly ledger: Ledger<unknown>;
  readonly work: StepWork;
  readonly callbackUrl: string;
  /** URLs of the participants, through the relay. */
  readonly participants: readonly string[];
}

const WAIT_MS = 10_000;
const COMMON = { retryIntervalMs: RETRY_INTERVAL_MS, requestTimeoutMs: REQUEST_TIMEOUT_MS };
const TWO_PHASE = { ...COMMON, timeoutToFailMs: TIMEOUT_TO_FAIL_MS };
const SPARED = { ...COMMON, timeoutToFailMs: SPARED_TIMEOUT_TO_FAIL_MS };

/** Carries out plans through the SDK, as an application does. */
export class Initiator {
  readonly #dependencies: InitiatorDependencies;
  readonly #workflow: Workflow<readonly PlannedStep[], void>;

  constructor(dependencies: InitiatorDependencies) {
    this.#dependencies = dependencies;
    const { hf, callbackUrl } = dependencies;
    const options = { ...COMMON, version: 1, callbackUrl, longestPreparedMs: TIMEOUT_TO_FAIL_MS };
    this.#workflow = hf.workflow('chaos', options, (flow, steps: readonly PlannedStep[]) => this.#flow(flow, steps));
  }

  /** Resolves to what the SDK lets the initiator know. */
  async run(gid: string, plan: ChaosPlan): Promise<Pick<OutcomeLine, 'outcome' | 'why'>> {
    try {
      await this.#run(gid, plan);
      // A saga that was not waited for is durable, and may still fail.
      const isOpenStill = plan.pattern === 'saga' && !plan.wait;
      return { outcome: isOpenStill ? 'unclear' : 'success', why: '' };
    } catch (error) {
      return { outcome: isOpen(error) ? 'unclear' : 'failed', why: String(error).slice(0, 300) };
    }
  }

  async #run(gid: string, plan: ChaosPlan): Promise<unknown> {
    const { hf } = this.#dependencies;
    const wait = plan.wait ? { wait: { timeoutMs: WAIT_MS } } : {};
    const twoPhase = plan.isSpared ? SPARED : TWO_PHASE;
    switch (plan.pattern) {
      case 'saga':
        return this.#saga(gid, plan).submit(wait);
      case 'tcc':
        return hf.tcc((tx) => this.#try(plan, (step) => tx.call(this.#tccBranch(step))), {
          gid,
          ...twoPhase,
          ...wait,
        });
      case 'xa':
        return hf.xa(
          (tx) => this.#try(plan, (step) => tx.call({ url: this.#url(step, 'xa'), payload: payloadOf(step) })),
          {
            gid,
            ...twoPhase,
            ...wait,
          },
        );
      case 'msg':
        return this.#message(gid, plan, wait);
      case 'workflow':
        return this.#workflow.run(plan.steps, { gid, ...wait });
    }
  }

  #saga(gid: string, { flavour, steps }: ChaosPlan) {
    const saga = this.#dependencies.hf.saga(gid).options(flavour === 'timeout' ? TWO_PHASE : COMMON);
    if (flavour === 'deadlock' || flavour === 'long wait') saga.concurrent();
    for (const step of steps)
      saga.step({
        action: this.#url(step, 'branch'),
        compensate: this.#url(step, 'branch', true),
        payload: payloadOf(step),
      });
    return saga;
  }

  async #try({ flavour, steps }: ChaosPlan, call: (step: PlannedStep) => Promise<unknown>): Promise<void> {
    for (const step of steps) await call(step);
    if (flavour === 'thrown') throw new Error('the code of the initiator throws');
  }

  #tccBranch(step: PlannedStep) {
    const undo = this.#url(step, 'branch', true);
    return { try: this.#url(step, 'branch'), confirm: undo, cancel: undo, payload: payloadOf(step) };
  }

  async #message(gid: string, { flavour, local, steps }: ChaosPlan, wait: object): Promise<void> {
    const { hf, ledger, work, participants } = this.#dependencies;
    const message = hf.message(gid).options(TWO_PHASE);
    for (const step of steps) message.step(this.#url(step, 'branch'), payloadOf(step));
    if (local === undefined) throw new Error('a message has a local transaction');
    const write = (tx: unknown): Promise<void> => work.write(tx, { gid, op: 'msg' }, local);
    await message.submitWith(
      flavour === 'slow' ? stalling(ledger.barrier) : ledger.barrier,
      `${participants[0]}/check`,
      write,
      wait,
    );
  }

  async #flow(flow: Flow, steps: readonly PlannedStep[]): Promise<void> {
    const { ledger, work } = this.#dependencies;
    for (const step of steps) {
      const name = `step-${step.step}`;
      const payload = payloadOf(step);
      const parse = (): undefined => undefined;
      switch (step.kind) {
        case 'local':
          await flow.step(name, {
            run: (call) => work.run(ledger.barrier, call, payload),
            undo: (_, call) => work.run(ledger.barrier, call, payload),
          });
          break;
        case 'call': {
          const compensate = this.#url(step, 'branch', true);
          await flow.call(name, { action: this.#url(step, 'branch'), compensate, payload, parse });
          break;
        }
        case 'xa':
          await flow.xa(name, { url: this.#url(step, 'xa'), payload, parse });
          break;
      }
    }
  }

  #url({ participant, forward, undo }: PlannedStep, path: string, isUndo = false): string {
    const fault = writeFault(isUndo ? undo : forward);
    return `${this.#dependencies.participants[participant]}/${path}?fault=${fault}`;
  }
}

/** The barrier of a process that stalls before its local transaction. */
const stalling = (barrier: Barrier<unknown>): Pick<Barrier<unknown>, 'message' | 'checkBack'> => ({
  async message(gid, work) {
    await delay(LATE_MS);
    return barrier.message(gid, work);
  },
  checkBack: (gid) => barrier.checkBack(gid),
});

function payloadOf({ step, changes, termination, numbered, refuse, sparesForward, holdMs }: PlannedStep): Step {
  return { step, changes, termination, numbered, refuse, sparesForward, holdMs };
}

/** By the SDK's documentation, every other error that it throws means that no effect remains. */
function isOpen(error: unknown): boolean {
  if (error instanceof BranchFailure || error instanceof TransactionFailed) return false;
  return (
    error instanceof TransactionPending ||
    error instanceof CoordinatorUnreachable ||
    error instanceof UnexpectedResponse ||
    error instanceof RequestRejected
  );
}
