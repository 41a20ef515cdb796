import type { TransactionRequest, TransactionSummary } from '@holdfast/protocol';
import type { Barrier } from './barrier/barrier.ts';
import { type BranchTarget, urlOf } from './branch-declaration.ts';
import { assertJson } from './json-value.ts';
import { sendWithLocalTransaction } from './local-transaction.ts';
import type { CallOptions, SubmitOptions } from './options.ts';
import { Submission, type SubmissionContext } from './submission.ts';
import { type BranchCallOptions, type TransactionOptions, wireOptions } from './transaction-options.ts';

/**
 * What stands behind the branch of a message's step: its payload, required when the branch declares
 * one, and its options.
 */
export type MessageStepRest<Payload> = undefined extends Payload
  ? readonly [payload?: NoInfer<Payload>, options?: BranchCallOptions]
  : readonly [payload: NoInfer<Payload>, options?: BranchCallOptions];

export interface MessageOptions extends TransactionOptions {
  /**
   * A prepared message that is not submitted within this time, in ms, is checked back at
   * `queryPreparedUrl`.
   */
  readonly timeoutToFailMs?: number;
}

/**
 * Calls that will be made, each until it succeeds; a message is never rolled back once it is
 * submitted.
 *
 * Sent at once with `submit()`; together with a local transaction with `submitWith()`; or, where no
 * barrier fits, in two phases around one: `prepare(url)` first, commit the local transaction, then
 * `submit()`. If this process dies in between, the coordinator asks `url` whether the local
 * transaction was committed.
 */
export class Message {
  readonly gid: string;
  readonly #context: SubmissionContext;
  readonly #submission: Submission;
  readonly #steps: NonNullable<TransactionRequest['steps']> = [];
  #options: MessageOptions = {};
  #delayMs: number | undefined;
  #prepared = false;

  /** Made by `connect(…).message()`. */
  constructor(gid: string, context: SubmissionContext) {
    this.gid = gid;
    this.#context = context;
    this.#submission = new Submission(context);
  }

  /**
   * One call: a branch, its URL, or `topic://NAME` for all subscribers of a topic. The payload is a
   * JSON value.
   */
  step<Payload = unknown>(branch: BranchTarget<Payload>, ...[payload, options = {}]: MessageStepRest<Payload>): this {
    this.#refuseWhenPrepared();
    const { requestTimeoutMs } = options;
    assertJson(`steps[${this.#steps.length}].payload`, payload);
    this.#steps.push({
      action: urlOf(branch),
      ...(payload === undefined ? {} : { payload }),
      ...(requestTimeoutMs === undefined ? {} : { requestTimeoutMs }),
    });
    return this;
  }

  /** Delays the start of the calls after the submit, in ms. */
  delay(delayMs: number): this {
    this.#refuseWhenPrepared();
    this.#delayMs = delayMs;
    return this;
  }

  /** Adds to the options given before. */
  options(options: MessageOptions): this {
    this.#refuseWhenPrepared();
    this.#options = { ...this.#options, ...options };
    return this;
  }

  /**
   * First phase: makes the message durable without sending it.
   *
   * @param queryPreparedUrl asked by the coordinator when the submit does not come: success means
   * the local transaction was committed, a failure
   *   (409) that it was not and never will be
   * @throws {CoordinatorUnreachable | UnexpectedResponse} the outcome is unknown: prepare again, or
   * give the local transaction up
   * @throws {RequestRejected} a field is wrong, or the gid is taken
   */
  async prepare(queryPreparedUrl: string, options: CallOptions = {}): Promise<this> {
    await this.#prepare(queryPreparedUrl, options.signal);
    return this;
  }

  /**
   * Commits a local transaction and sends the message, both or neither: what `work` writes with
   * `tx` and the sending of the message stand or fall with the local commit. Answers what `work`
   * returned once the local transaction is committed (the message is sent for certain from then
   * on), or with `wait`, once every call succeeded. A throw of `work` rolls the local transaction
   * back, gives the message up and is thrown on.
   *
   *     await hf.message().step('http://bank-b/credit', { amount: 30 })
   *       .submitWith(barrier, 'http://bank-a/check', (tx) => tx.query('update …'))
   *
   * @param checkBackUrl asked by the coordinator when this process dies between the commit and the
   * submit; serve it with a framework's `checkBack`
   * @throws whatever `work` or the database throws before the commit: the barrier was asked,
   * nothing was committed, nothing is sent
   * @throws {TransactionFailed} nothing was committed and nothing is sent: the coordinator had
   * asked before the local transaction was through
   * @throws {TransactionPending} something was thrown (`cause`), and the barrier cannot be asked
   * whether the local transaction was committed: the coordinator
   *   will, and sends the message or not; or, with `wait`, the time is over and the calls go on
   * @throws {CoordinatorUnreachable | UnexpectedResponse} it could not be prepared: nothing was
   * committed
   * @throws {RequestRejected} a field is wrong, or a message was sent under this gid before: `work`
   * did nothing that lasts. Or, with a `cause` that is
   *   `TransactionFailed` or `RequestRejected`: the local transaction is committed, but an operator
   *   or a wrong check-back gave the message up. Or, with what `work` threw as its `cause`: it was
   *   committed before that, by a statement of `work`, and the message is sent
   */
  submitWith<Tx, T>(
    barrier: Pick<Barrier<Tx>, 'message' | 'checkBack'>,
    checkBackUrl: string,
    work: (tx: Tx) => T | Promise<T>,
    options: SubmitOptions = {},
  ): Promise<T> {
    return sendWithLocalTransaction(
      { ...this.#context, gid: this.gid, submission: this.#submission },
      barrier,
      (signal) => this.#prepare(checkBackUrl, signal),
      work,
      options,
    );
  }

  /**
   * Sends the message; answers once that is durable, or with `wait`, once every call succeeded.
   * Calling it again is safe, in another process too: one gid with the same calls is one message,
   * and what became of it is the answer.
   *
   * @throws {TransactionFailed} it was prepared, and the check-back said that the local transaction
   * was not committed; or it was aborted
   * @throws {TransactionPending} the time to wait is over, the calls go on
   * @throws {CoordinatorUnreachable | UnexpectedResponse} the outcome is unknown: submit again, or
   * look with `get(gid)`
   * @throws {RequestRejected} a field is wrong, or the gid is taken
   */
  submit(options?: SubmitOptions): Promise<TransactionSummary> {
    return this.#prepared
      ? this.#submission.submitPrepared(this.gid, options)
      : this.#submission.submit(this.#request(), options);
  }

  async #prepare(queryPrepared: string, signal: AbortSignal | undefined): Promise<void> {
    await this.#submission.prepare({ ...this.#request(), status: 'prepared', queryPrepared }, signal);
    this.#prepared = true;
  }

  #request(): TransactionRequest & { readonly gid: string } {
    return {
      gid: this.gid,
      pattern: 'msg',
      steps: [...this.#steps],
      ...wireOptions(this.#options),
      ...(this.#delayMs === undefined ? {} : { delayMs: this.#delayMs }),
    };
  }

  #refuseWhenPrepared(): void {
    if (this.#prepared) throw new TypeError(`Message ${this.gid} is prepared: its steps and options are fixed`);
  }
}
