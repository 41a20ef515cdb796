import type { TransactionRequest, TransactionSummary } from '@holdfast/protocol';
import type { CallOptions, SubmitOptions } from './options.ts';
import { Submission, type SubmissionContext } from './submission.ts';
import { type TransactionOptions, wireOptions } from './transaction-options.ts';

export interface MessageOptions extends TransactionOptions {
  /** A prepared message that is not submitted is asked about at `queryPreparedUrl` after so long. */
  readonly timeoutToFailMs?: number;
}

/**
 * Calls that will be made, each until it succeeds; a message is never rolled back once it is submitted.
 *
 * Sent at once with `submit()`; or in two phases around a local transaction: `prepare(url)` first, commit the local transaction, then `submit()`.
 * If this process dies in between, the coordinator asks `url` whether the local transaction was committed.
 */
export class Message {
  readonly gid: string;
  readonly #submission: Submission;
  readonly #steps: { readonly action: string; readonly payload?: unknown }[] = [];
  #options: MessageOptions = {};
  #delayMs: number | undefined;
  #prepared = false;

  /** Made by `connect(…).message()`. */
  constructor(gid: string, context: SubmissionContext) {
    this.gid = gid;
    this.#submission = new Submission(context);
  }

  /** One call: a URL, or `topic://NAME` for all its subscribers. */
  step(url: string, payload?: unknown): this {
    this.#refuseWhenPrepared();
    this.#steps.push(payload === undefined ? { action: url } : { action: url, payload });
    return this;
  }

  /** The calls start so long after the submit. */
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
   * @param queryPreparedUrl asked by the coordinator when the submit does not come: success means the local transaction was committed, a failure
   *   (409) that it was not and never will be
   * @throws {CoordinatorUnreachable | UnexpectedAnswer} the outcome is unknown: prepare again, or give the local transaction up
   * @throws {RequestRejected} a field is wrong, or the gid is taken
   */
  async prepare(queryPreparedUrl: string, options: CallOptions = {}): Promise<this> {
    await this.#submission.prepare(
      { ...this.#request(), status: 'prepared', queryPrepared: queryPreparedUrl },
      options.signal,
    );
    this.#prepared = true;
    return this;
  }

  /**
   * Sends the message; answers once that is durable, or with `wait`, once every call succeeded. Calling it again is safe: the gid is the same.
   *
   * @throws {TransactionFailed} it was prepared, and the check-back said that the local transaction was not committed; or it was aborted
   * @throws {TransactionPending} the time to wait is over, the calls go on
   * @throws {CoordinatorUnreachable | UnexpectedAnswer} the outcome is unknown: submit again, or look with `get(gid)`
   * @throws {RequestRejected} a field is wrong, or the gid is taken
   */
  submit(options?: SubmitOptions): Promise<TransactionSummary> {
    return this.#prepared
      ? this.#submission.submitPrepared(this.gid, options)
      : this.#submission.submit(this.#request(), options);
  }

  #request(): TransactionRequest & { readonly gid: string } {
    return {
      gid: this.gid,
      pattern: 'msg',
      steps: this.#steps.map((step) => ({ ...step })),
      ...wireOptions(this.#options),
      ...(this.#delayMs === undefined ? {} : { delayMs: this.#delayMs }),
    };
  }

  #refuseWhenPrepared(): void {
    if (this.#prepared) throw new TypeError(`Message ${this.gid} is prepared: its steps and options are fixed`);
  }
}
