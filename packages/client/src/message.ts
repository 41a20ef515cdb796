import type { TransactionRequest, TransactionSummary } from '@holdfast/protocol';
import type { Barrier } from './barrier/barrier.ts';
import { type BranchTarget, urlOf } from './branch-declaration.ts';
import { sendWithLocalTransaction } from './local-transaction.ts';
import type { CallOptions, SubmitOptions } from './options.ts';
import { assertPayload, wirePayload } from './payload.ts';
import { Submission, type SubmissionContext } from './submission.ts';
import { type BranchCallOptions, type TransactionOptions, wireOptions } from './transaction-options.ts';

/**
 * The parameters after the branch of a message's step: its payload, required if the branch declares
 * one, and its options.
 */
export type MessageStepRest<Payload> = undefined extends Payload
  ? readonly [payload?: NoInfer<Payload>, options?: BranchCallOptions]
  : readonly [payload: NoInfer<Payload>, options?: BranchCallOptions];

export interface MessageOptions extends TransactionOptions {
  /**
   * A prepared message that is not submitted within this time, in ms, is checked back at
   * `checkBackUrl`.
   */
  readonly timeoutToFailMs?: number;
}

/**
 * Calls that will be made, each until it succeeds; a message is never rolled back once it is
 * submitted.
 *
 * `submit()` sends the message at once; `submitWith()` sends it together with a local transaction.
 * Where no barrier is available, send it in two phases: `prepare(url)`, commit the local
 * transaction, then `submit()`. If this process dies in between, the coordinator checks back at
 * `url` whether the local transaction was committed.
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
   * JSON value, or bytes (`Uint8Array`), such as an encoded message for a gRPC method.
   */
  step<Payload = unknown>(branch: BranchTarget<Payload>, ...[payload, options = {}]: MessageStepRest<Payload>): this {
    this.#refuseWhenPrepared();
    const { requestTimeoutMs } = options;
    const action = urlOf(branch);
    assertPayload(`steps[${this.#steps.length}].payload`, payload, [action]);
    this.#steps.push({
      action,
      ...wirePayload(payload),
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
   * @param checkBackUrl the URL at which the coordinator checks back if the submit does not
   *   come: success means that the local transaction was committed, a failure (409) that it was not
   *   and never will be
   * @throws {CoordinatorUnreachable | UnexpectedResponse} the outcome is unknown: prepare again, or
   *   roll back the local transaction
   * @throws {RequestRejected} a field is wrong, or the gid is taken
   */
  async prepare(checkBackUrl: string, options: CallOptions = {}): Promise<this> {
    await this.#prepare(checkBackUrl, options);
    return this;
  }

  /**
   * Commits a local transaction and sends the message, both or neither: the local commit decides
   * both about the writes that `work` makes with `tx` and about the message. Resolves to the value
   * that `work` returned, once the local transaction is committed (from then on the message is
   * certain to be sent), or with `wait`, once every call has succeeded. If `work` throws, the local
   * transaction is rolled back, the message is abandoned, and the error is rethrown.
   *
   *     await hf.message().step('http://bank-b/credit', { amount: 30 })
   *       .submitWith(barrier, 'http://bank-a/check', (tx) => tx.query('update …'))
   *
   * @param checkBackUrl the URL at which the coordinator checks back if this process dies between
   *   the commit and the submit; serve it with a framework's `checkBack`
   * @throws the error of `work` or of the database before the commit: the barrier reported that
   *   nothing was committed, and nothing is sent
   * @throws {TransactionFailed} nothing was committed and nothing is sent: the coordinator checked
   *   back before the local transaction was committed
   * @throws {TransactionPending} after an error (`cause`), the barrier could not be queried whether
   *   the local transaction was committed: the coordinator will check back, and sends the message
   *   or abandons it. Or, with `wait`: the timeout has expired, and the calls continue
   * @throws {CoordinatorUnreachable | UnexpectedResponse} the message could not be prepared:
   *   nothing was committed
   * @throws {RequestRejected} a field is wrong, or a message was sent under this gid before: no
   *   write of `work` remains. Or, if `cause` is a `TransactionFailed` or `RequestRejected`: the
   *   local transaction is committed, but an operator or a wrong check-back abandoned the message.
   *   Or, if `cause` is what `work` threw: a statement of `work` committed the local transaction
   *   before the error, and the message is sent
   */
  submitWith<Tx, T>(
    barrier: Pick<Barrier<Tx>, 'message' | 'checkBack'>,
    checkBackUrl: string,
    work: (tx: Tx) => T | Promise<T>,
    options: SubmitOptions = {},
  ): Promise<T> {
    const { callTimeoutMs } = options;
    const delivery = callTimeoutMs === undefined ? {} : { callTimeoutMs };
    return sendWithLocalTransaction(
      { ...this.#context, gid: this.gid, submission: this.#submission, delivery },
      barrier,
      () => this.#prepare(checkBackUrl, options),
      work,
      options,
    );
  }

  /**
   * Sends the message; resolves once the message is durable, or with `wait`, once every call has
   * succeeded. Calling `submit` again is safe, in another process too: one gid with the same calls
   * is one message, and a repeated call resolves to its current state.
   *
   * @throws {TransactionFailed} the message was prepared, and the check-back reported that the
   *   local transaction was not committed; or the message was aborted
   * @throws {TransactionPending} the timeout has expired, and the calls continue
   * @throws {CoordinatorUnreachable | UnexpectedResponse} the outcome is unknown: submit again, or
   *   check with `get(gid)`
   * @throws {RequestRejected} a field is wrong, or the gid is taken
   */
  submit(options?: SubmitOptions): Promise<TransactionSummary> {
    return this.#prepared
      ? this.#submission.submitPrepared(this.gid, options)
      : this.#submission.submit(this.#request(), options);
  }

  async #prepare(queryPrepared: string, options: CallOptions): Promise<void> {
    await this.#submission.prepare({ ...this.#request(), status: 'prepared', queryPrepared }, options);
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
