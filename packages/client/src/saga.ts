import type { TransactionRequest, TransactionSummary } from '@holdfast/protocol';
import { type BranchTarget, urlOf, type WithPayload } from './branch-declaration.ts';
import { assertJson } from './json-value.ts';
import type { SubmitOptions } from './options.ts';
import { Submission, type SubmissionContext } from './submission.ts';
import { type BranchCallOptions, type TransactionOptions, wireOptions } from './transaction-options.ts';

/**
 * One step of a saga: what to do, and what undoes it. The payload is sent to both; declarations
 * (`declareBranch`) give it its type.
 */
export type SagaStep<Payload = unknown> = SagaBranches<Payload> & WithPayload<Payload>;

interface SagaBranches<Payload> extends BranchCallOptions {
  /**
   * Carries out the step. Called until it succeeds (or fails, which rolls the saga back), possibly
   * more than once.
   */
  readonly action: BranchTarget<Payload>;
  /**
   * Undoes the action; also called if it is uncertain whether the action happened. `null`: there is
   * nothing to undo.
   */
  readonly compensate: BranchTarget<Payload> | null;
  /**
   * In a concurrent saga only: the steps (indices from 0) that must have succeeded before this one
   * starts.
   */
  readonly after?: readonly number[];
}

export interface SagaOptions extends TransactionOptions {
  /** A saga that has not succeeded within this time, in ms, is rolled back. Default: never. */
  readonly timeoutToFailMs?: number;
  /** A saga that needs more retries than this is rolled back. Default: no limit. */
  readonly retryLimit?: number;
}

/**
 * Steps that all succeed, or are all undone. Steps run one after the other, or all at once with
 * `concurrent()`, as far as their `after` allows.
 *
 * Collect the steps, then `submit()`: from then on the coordinator drives it, whatever happens to
 * this process.
 */
export class Saga {
  readonly gid: string;
  readonly #submission: Submission;
  readonly #steps: NonNullable<TransactionRequest['steps']> = [];
  #concurrent = false;
  #options: SagaOptions = {};

  /** Made by `connect(…).saga()`. */
  constructor(gid: string, context: SubmissionContext) {
    this.gid = gid;
    this.#submission = new Submission(context);
  }

  /**
   * Appends a step.
   *
   * @throws {TypeError} a branch is missing, or the payload is not JSON
   */
  step<Payload = unknown>(step: SagaStep<Payload>): this {
    const { action, compensate, payload, requestTimeoutMs, after } = step;
    assertJson(`steps[${this.#steps.length}].payload`, payload);
    this.#steps.push({
      action: urlOf(action),
      ...(compensate === null ? {} : { compensate: urlOf(compensate) }),
      ...(payload === undefined ? {} : { payload }),
      ...(requestTimeoutMs === undefined ? {} : { requestTimeoutMs }),
      ...(after === undefined ? {} : { after: [...after] }),
    });
    return this;
  }

  /** Steps start together, except those that name others in `after`. */
  concurrent(): this {
    this.#concurrent = true;
    return this;
  }

  /** Adds to the options given before. */
  options(options: SagaOptions): this {
    this.#options = { ...this.#options, ...options };
    return this;
  }

  /**
   * Hands the saga to the coordinator; answers once it is durable, or with `wait`, once it
   * succeeded. Calling it again is safe, in another process too: one gid with the same calls is one
   * saga, and what became of it is the answer.
   *
   * @throws {TransactionFailed} it was rolled back, or is being rolled back
   * @throws {TransactionPending} the time to wait is over, the saga goes on
   * @throws {CoordinatorUnreachable | UnexpectedResponse} the outcome is unknown: submit again, or
   * look with `get(gid)`
   * @throws {RequestRejected} a field is wrong, or the gid is taken
   * @throws {TypeError} a step has `after`, and the saga is not concurrent
   */
  async submit(options?: SubmitOptions): Promise<TransactionSummary> {
    this.#refuseUnusedAfter();
    return this.#submission.submit(this.#request(), options);
  }

  /**
   * Steps one after the other have no use for `after`: the saga was meant to be concurrent, or the
   * order is wrong.
   */
  #refuseUnusedAfter(): void {
    const index = this.#concurrent ? -1 : this.#steps.findIndex(({ after }) => after !== undefined);
    if (index >= 0)
      throw new TypeError(
        `steps[${index}].after: the steps of saga ${this.gid} run one after the other; call concurrent(), or leave after out`,
      );
  }

  #request(): TransactionRequest & { readonly gid: string } {
    return {
      gid: this.gid,
      pattern: 'saga',
      steps: [...this.#steps],
      ...(this.#concurrent ? { concurrent: true } : {}),
      ...wireOptions(this.#options),
    };
  }
}
