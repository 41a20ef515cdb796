import { resultOfThrown } from '@holdfast/protocol';
import type { Api } from '../api/api.ts';
import type { TransactionOptions } from '../transaction-options.ts';
import { type CodeOutcome, Execution } from './execution.ts';
import type { WorkflowMismatch } from './mismatch.ts';
import type { WorkflowCode } from './options.ts';
import { asRecorded, encode, Progress, shortened } from './records.ts';
import { carryOut, decideToSucceed, endingOfFailure, endingOfSuccess } from './second-phase.ts';

/** A workflow as it was defined. */
export interface Definition {
  readonly name: string;
  readonly version: number;
  readonly code: WorkflowCode<unknown, unknown>;
  readonly options: TransactionOptions;
  /** How long heartbeats are sent after the last record. */
  readonly longestStepMs: number;
  /** How long XA steps may stay prepared while the outcome of a step is not known. */
  readonly longestPreparedMs: number;
}

export interface Conducted {
  readonly api: Api;
  readonly definition: Definition;
  readonly gid: string;
  readonly input: unknown;
  /** The recorded progress, if it was already read. */
  readonly progress?: Progress | undefined;
  /** Ends this run before its next new step. */
  readonly signal?: AbortSignal | undefined;
  /** This process is stopping: no new step begins. */
  readonly isStopped?: (() => boolean) | undefined;
}

/**
 * The state of the transaction after one run. `cause`: the error of the code, or the reason why it
 * cannot continue now.
 */
export type Result =
  | { readonly status: 'succeed'; readonly value: unknown }
  | { readonly status: 'failed' | 'stopped'; readonly reason: string; readonly cause?: unknown }
  | { readonly status: 'prepared' | 'aborting'; readonly reason: string; readonly cause: unknown }
  | { readonly status: 'parked'; readonly error: WorkflowMismatch };

/**
 * Runs a workflow from its recorded progress, as far as possible:
 *
 *     prepared: run the code ─returned─▶ commit the steps ─▶ finish: succeed
 *         │
 *         └─failed─▶ abort (durable) ─▶ aborting: replay the code
 *                                           └─▶ undo, newest first ─▶ finish: failed
 *
 * A run whose outcome is unclear is repeated later, unless XA steps have been prepared for too
 * long: then the workflow is aborted, because other transactions, or this workflow, may wait for
 * their locks. A workflow with a step that nothing undoes is not aborted, since the effect of that
 * step would remain.
 *
 * Undoing begins with a replay over the records after the abort: no step is recorded as done from
 * then on, so this run knows each step that may have run, in this process or another.
 */
export class Conductor {
  readonly #c: Conducted;
  /** The error of the code in this run. */
  #thrown: { readonly cause: unknown } | undefined;
  readonly #unrecorded = new Map<string, unknown>();

  constructor(conducted: Conducted) {
    this.#c = conducted;
  }

  /** Rejects only if the coordinator cannot be reached. */
  async run(): Promise<Result> {
    let progress = this.#c.progress ?? (await this.#read());
    // Each round but the last ends with one of two decisions; one more for a run that is overtaken.
    for (let round = 0; round < MAX_ROUNDS; round++) {
      const result = await this.#round(progress);
      if (result !== 'again') return result;
      progress = await this.#read();
    }
    return this.#pending(progress, new Error(`other runs of ${this.#c.gid} decide about it at the same time`));
  }

  #round(progress: Progress): Promise<Result | 'again'> | Result {
    switch (progress.status) {
      case 'succeed':
        return { status: 'succeed', value: progress.result };
      case 'failed':
        return progress.stopped === ''
          ? { status: 'failed', reason: progress.rollbackReason, ...this.#thrown }
          : { status: 'stopped', reason: progress.stopped, ...this.#thrown };
      case 'aborting':
        return this.#undo(progress);
      default:
        return this.#forward(progress);
    }
  }

  async #forward(progress: Progress): Promise<Result | 'again'> {
    const execution = this.#execution(progress, 'forward');
    const outcome = await execution.run(this.#c.definition.code, this.#c.input);
    switch (outcome.kind) {
      case 'returned':
        return this.#succeed(progress, execution, outcome.value);
      case 'failed':
        return this.#abort(progress, outcome);
      case 'overtaken':
        return 'again';
      case 'unclear':
        return this.#unclear(progress, execution, outcome.cause);
      case 'mismatch':
        return this.#park(outcome.error);
    }
  }

  #unclear(
    progress: Progress,
    { preparedSinceMs, isUndoable }: Execution,
    cause: unknown,
  ): Promise<Result | 'again'> | Result {
    const { signal, isStopped, definition } = this.#c;
    // Another process continues at once.
    const isStopping = signal?.aborted === true || isStopped?.() === true;
    if (preparedSinceMs === undefined || !isUndoable || isStopping) return this.#pending(progress, cause);
    const preparedMs = Date.now() - preparedSinceMs;
    if (preparedMs < definition.longestPreparedMs) return this.#pending(progress, cause);
    const reason = `its XA steps have locked rows for ${Math.round(preparedMs / 1_000)} s, while the outcome of another step is not known: ${resultOfThrown(cause).reason}`;
    return this.#abort(progress, { kind: 'failed', thrown: cause, reason });
  }

  async #succeed(progress: Progress, execution: Execution, returned: unknown): Promise<Result | 'again'> {
    const { api, gid, definition } = this.#c;
    const { name: workflow, version } = definition;
    let value: unknown;
    try {
      value = asRecorded(`Workflow ${workflow}`, returned, false);
    } catch (thrown) {
      return this.#abort(progress, { kind: 'failed', thrown, reason: resultOfThrown(thrown).reason });
    }
    try {
      if (execution.steps().some((step) => endingOfSuccess(step) !== undefined)) {
        const refused = await decideToSucceed(api, gid, { workflow, version });
        if (refused !== undefined) return await this.#againUnless('prepared', refused);
        const ended = await carryOut({ api, gid, progress, execution, endingOf: endingOfSuccess });
        if (ended.kind === 'refused') return await this.#againUnless('prepared', ended.rejection);
        if (ended.kind === 'unclear') return this.#pending(progress, ended.cause);
      }
      const response = await api.finishWorkflow({ gid, body: { status: 'succeed', result: encode(value) } }, {});
      return response.ok ? { status: 'succeed', value } : await this.#againUnless('prepared', response.rejection);
    } catch (error) {
      return this.#pending(progress, error);
    }
  }

  async #abort(
    progress: Progress,
    failed: Extract<CodeOutcome, { readonly kind: 'failed' }>,
  ): Promise<Result | 'again'> {
    const { api, gid } = this.#c;
    this.#thrown = { cause: failed.thrown };
    try {
      const response = await api.abortTransaction(
        { gid, body: { reason: shortened(failed.reason), by: 'initiator' } },
        {},
      );
      return response.ok ? 'again' : await this.#againUnless('prepared', response.rejection);
    } catch (error) {
      return this.#pending(progress, error);
    }
  }

  async #undo(progress: Progress): Promise<Result | 'again'> {
    const { api, gid, definition, input } = this.#c;
    const execution = this.#execution(progress, 'replay');
    const outcome = await execution.run(definition.code, input);
    if (outcome.kind === 'mismatch') return this.#park(outcome.error);
    if (!execution.isComplete) return this.#pending(progress, causeOf(outcome));
    const ended = await carryOut({ api, gid, progress, execution, endingOf: endingOfFailure });
    if (ended.kind === 'unclear') return this.#pending(progress, ended.cause);
    try {
      if (ended.kind === 'refused') return await this.#againUnless('aborting', ended.rejection);
      const reason = shortened(progress.rollbackReason);
      const response = await api.finishWorkflow({ gid, body: { status: 'failed', reason } }, {});
      if (!response.ok) return await this.#againUnless('aborting', response.rejection);
      return { status: 'failed', reason: progress.rollbackReason, ...this.#thrown };
    } catch (error) {
      return this.#pending(progress, error);
    }
  }

  /** Ignores a rejection whose cause is that another run has progressed further. */
  async #againUnless(status: Progress['status'], rejection: unknown): Promise<Result | 'again'> {
    const now = await this.#read();
    return now.status === status ? this.#pending(now, rejection) : 'again';
  }

  async #park(error: WorkflowMismatch): Promise<Result | 'again'> {
    const { api, gid } = this.#c;
    const response = await api.parkWorkflow({ gid, body: { reason: shortened(error.message) } }, {});
    // If the request was rejected, the transaction has finished.
    return response.ok ? { status: 'parked', error } : 'again';
  }

  #pending({ status, rollbackReason }: Progress, cause: unknown): Result {
    return status === 'aborting'
      ? { status: 'aborting', reason: rollbackReason, cause }
      : { status: 'prepared', reason: resultOfThrown(cause).reason, cause };
  }

  #execution(progress: Progress, mode: 'forward' | 'replay'): Execution {
    const { api, gid, definition, signal, isStopped } = this.#c;
    const { name: workflow, version, options } = definition;
    const read = () => this.#read();
    const unrecorded = this.#unrecorded;
    return new Execution({ api, gid, options, workflow, version, progress, mode, unrecorded, read, signal, isStopped });
  }

  async #read(): Promise<Progress> {
    const response = await this.#c.api.getWorkflowProgress({ gid: this.#c.gid }, {});
    if (!response.ok) throw response.rejection;
    return new Progress(response.value);
  }
}

const MAX_ROUNDS = 6;

const causeOf = (outcome: CodeOutcome): unknown => {
  if (outcome.kind === 'unclear') return outcome.cause;
  return outcome.kind === 'failed' ? outcome.thrown : new Error('the code of the workflow could not be replayed');
};
