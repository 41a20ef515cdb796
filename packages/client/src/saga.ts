import type { TransactionRequest, TransactionSummary } from '@holdfast/protocol';
import { type BranchTarget, urlOf, type WithPayload } from './branch-declaration.ts';
import type { SubmitOptions } from './options.ts';
import { assertPayload, wirePayload } from './payload.ts';
import { Submission, type SubmissionContext } from './submission.ts';
import { type BranchCallOptions, type TransactionOptions, wireOptions } from './transaction-options.ts';

/**
 * One step of a saga: its action and its compensation. The payload is sent to both; declarations
 * (`declareBranch`) determine its type.
 */
export type SagaStep<Payload = unknown> = SagaBranches<Payload> & WithPayload<Payload>;

interface SagaBranches<Payload> extends BranchCallOptions {
  /**
   * Carries out the step. Called, possibly more than once, until it succeeds or fails; a failure
   * rolls the saga back.
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
 * Collect the steps, then `submit()`: from then on the coordinator drives the saga, even if this
 * process dies.
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
   * @throws {TypeError} a branch is missing, or the payload is neither JSON nor bytes
   */
  step<Payload = unknown>(step: SagaStep<Payload>): this {
    const { action, compensate, payload, requestTimeoutMs, after } = step;
    const urls = { action: urlOf(action), ...(compensate !== null && { compensate: urlOf(compensate) }) };
    assertPayload(`steps[${this.#steps.length}].payload`, payload, Object.values(urls));
    this.#steps.push({
      ...urls,
      ...wirePayload(payload),
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
   * Submits the saga to the coordinator; resolves once the saga is durable, or with `wait`, once it
   * has succeeded. Calling `submit` again is safe, in another process too: one gid with the same
   * calls is one saga, and a repeated call resolves to its current state.
   *
   * @throws {TransactionFailed} the saga was rolled back, or is being rolled back
   * @throws {TransactionPending} the timeout has expired, and the saga continues
   * @throws {CoordinatorUnreachable | UnexpectedResponse} the outcome is unknown: submit again, or
   *   check with `get(gid)`
   * @throws {RequestRejected} a field is wrong, or the gid is taken
   * @throws {TypeError} a step has `after`, and the saga is not concurrent
   */
  async submit(options?: SubmitOptions): Promise<TransactionSummary> {
    this.#refuseUnusedAfter();
    return this.#submission.submit(this.#request(), options);
  }

  /**
   * Rejects `after` in a saga whose steps run one after the other: the saga was meant to be
   * concurrent, or the order of its steps is wrong.
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
