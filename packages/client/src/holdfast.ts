import { isFinal, type TransactionDetails, type TransactionPage } from '@holdfast/protocol';
import type { Api, ListQuery } from './api/api.ts';
import { type CallEnd, callEnd, limited, waitEnd } from './api/call-end.ts';
import { inDoubt } from './errors.ts';
import { newGid } from './gid.ts';
import { Message } from './message.ts';
import type { CallOptions, WaitOptions, WatchOptions } from './options.ts';
import { seenOrThrow, deadlineIn, waitUntilFinal } from './outcome.ts';
import { Saga } from './saga.ts';
import { type Topics, topicsOf } from './topics.ts';
import { runTcc, type Tcc, type TccOptions } from './tcc.ts';
import type { BranchCallContext } from './participants/call.ts';
import type { Workflow, WorkflowCode, WorkflowOptions } from './workflow/options.ts';
import { Workflows } from './workflow/workflows.ts';
import { checkTime, checkVersion } from './wait-option.ts';
import type { WorkInProgress } from './work-in-progress.ts';
import type { SubmissionContext } from './submission.ts';
import { runXa, type Xa, type XaOptions } from './xa.ts';

/** A coordinator, as the application sees it. */
export interface Holdfast {
  /** A new saga. The gid has at most 128 characters; by default it is generated. */
  saga(gid?: string): Saga;
  /** A new message. The gid has at most 128 characters; by default it is generated. */
  message(gid?: string): Message;
  /**
   * Runs `work`, which tries branches one after the other or concurrently, and then confirms all of
   * them; if `work` throws, all are cancelled. Resolves to the value that `work` returned, once the
   * decision is durable, or with `wait`, once every branch is confirmed.
   *
   *     const booking = await hf.tcc(async (tx) => {
   *       await tx.call({
   *         try: seat.hold, confirm: seat.book, cancel: seat.release, payload: { flight },
   *       });
   *       return tx.call({
   *         try: room.hold, confirm: room.book, cancel: room.release, payload: { hotel },
   *       });
   *     });
   *
   * If this process dies, the coordinator cancels the transaction after `timeoutToFailMs`. Within
   * the try of a tcc, the new tcc is part of that one (`join`): if `work` throws, the whole tcc is
   * cancelled, and the error is rethrown, so that the try fails.
   *
   * A gid runs once: if its transaction is already decided, the call is rejected. While the
   * transaction is prepared, a second run continues it and calls the tries again, which the barrier
   * makes harmless. If an earlier run registered a branch that the second run does not call, the
   * transaction is cancelled.
   *
   * @throws {TransactionFailed} the transaction is cancelled; `cause` is what `work` threw
   * @throws {TransactionPending} with `wait`: the timeout has expired, the confirms continue
   * @throws {CoordinatorUnreachable | UnexpectedResponse} nothing began; or, if `cause` is what
   *   `work` threw, the request to cancel was not delivered, and the coordinator cancels the
   *   transaction after `timeoutToFailMs`; or the response to the submit was lost: check with
   *   `get(gid)`
   * @throws {RequestRejected} the gid was used before, or a field is wrong
   */
  tcc<T>(work: (tx: Tcc) => T | Promise<T>, options?: TccOptions): Promise<T>;
  /**
   * Runs `work`, which calls branches that each prepare an XA transaction of their database, and
   * then commits all of them; if `work` throws, all are rolled back. Resolves to the value that
   * `work` returned, once the decision is durable, or with `wait`, once every branch is committed.
   * Timeout, repetition and errors are those of `tcc`.
   *
   *     await hf.xa(async (tx) => {
   *       await tx.call({ url: 'http://bank-a/xa/debit', payload: { amount: 30 } });
   *       await tx.call({ url: 'http://bank-b/xa/credit', payload: { amount: 30 } });
   *     });
   */
  xa<T>(work: (tx: Xa) => T | Promise<T>, options?: XaOptions): Promise<T>;
  /**
   * Defines a workflow: code of this process whose steps are recorded. The workflow continues after
   * a crash, and is undone if it fails. See `Flow` for the rules of the code. Define each workflow
   * once, at start, before callbacks are served (`workflowCallback`).
   *
   *     const options = { version: 1, callbackUrl: 'http://me/workflows' };
   *     const transfer = hf.workflow('transfer', options, async (flow, input: Transfer) => {
   *       const debit = await flow.step('debit', {
   *         run: () => bankA.debit(input),
   *         undo: () => bankA.refund(input),
   *       });
   *       await flow.call('credit', { action: credit, compensate: revoke, payload: input });
   *       return { receipt: debit.id };
   *     });
   *     const { receipt } = await transfer.run({ amount: 30 });
   *
   * @throws {TypeError} the name is taken, or no callback URL is configured
   */
  workflow<Input, Output>(
    name: string,
    options: WorkflowOptions,
    code: WorkflowCode<Input, Output>,
  ): Workflow<Input, Output>;
  /**
   * Serves a coordinator's callback of a workflow that arrived by any protocol; `workflowCallback`
   * serves those over HTTP. An error that it throws determines the response, as with the handler of
   * any participant.
   */
  runCallback(call: BranchCallContext): Promise<void>;
  /** The topics of the coordinator and their subscribers. */
  readonly topics: Topics;
  /** Returns a gid that was never used before; sends no request. */
  newGid(): string;
  /**
   * Reads a transaction with its branches and timeline; undefined if there is no transaction with
   * that gid (finished ones are purged after the retention).
   */
  get(gid: string, options?: CallOptions): Promise<TransactionDetails | undefined>;
  /**
   * Waits until the transaction has succeeded.
   *
   * @throws {TransactionFailed} the transaction was rolled back, or is being rolled back
   * @throws {TransactionPending} the timeout has expired, and the transaction continues
   * @throws {RequestRejected} there is no transaction with that gid
   */
  wait(gid: string, options?: WaitOptions): Promise<TransactionDetails>;
  /**
   * Waits until the transaction is finished, as `succeed` or `failed`, and resolves to its details.
   * After `TransactionFailed`: waits until everything is compensated.
   *
   * @throws {TransactionFailed} the timeout has expired, and the transaction is still rolling back
   * @throws {TransactionPending} the timeout has expired, and the transaction continues
   * @throws {RequestRejected} there is no transaction with that gid
   */
  finished(gid: string, options?: WaitOptions): Promise<TransactionDetails>;
  /**
   * Follows a transaction: yields its current state, and each later one when it has become durable.
   * Ends after the final state (`succeed`, `failed`).
   *
   *     for await (const { status, branches } of hf.watch(gid)) show(status, branches);
   *
   * Only the latest state counts: those that became durable while the loop handled another one may
   * be left out, except for the final one. Versions increase, also when the watch continues at
   * another coordinator after a lost connection. Leaving the loop ends the watch. Over HTTP, which
   * has no streams, the state is read once per second, and when the transaction has finished.
   *
   * @throws {RequestRejected} there is no transaction with that gid
   * @throws {CoordinatorUnreachable} no coordinator responded within `retryForMs`
   * @throws {TypeError} an option is wrong
   */
  watch(gid: string, options?: WatchOptions): AsyncGenerator<TransactionDetails, void, undefined>;
  /** One page of transactions, newest first. */
  list(query?: ListQuery, options?: CallOptions): Promise<TransactionPage>;
  /**
   * Rolls back an unfinished transaction, as an operator would: started steps of a saga are
   * compensated, a tcc or xa that is not submitted is cancelled, a prepared message is abandoned, a
   * workflow is called back to compensate.
   *
   * @throws {RequestRejected} the status of the transaction does not allow an abort, or there is no
   *   transaction with that gid
   */
  abort(gid: string, options?: CallOptions & { readonly reason?: string }): Promise<TransactionDetails>;
  /**
   * Makes the next attempt of an unfinished transaction start now instead of at its due time.
   *
   * @throws {RequestRejected} the transaction is finished, or there is none with that gid
   */
  retry(gid: string, options?: CallOptions): Promise<TransactionDetails>;
  /**
   * Waits for the work in progress, at most for `drainMs`: the work of `tcc`, `xa` and `submitWith`
   * until it is submitted or cancelled, workflows that run in this process, and calls to the
   * coordinator. Only code of this work and branch handlers can still start transactions. Then the
   * connections are closed, and calls are rejected (`CoordinatorUnreachable`). The coordinator
   * completes the rest: it cancels an unsubmitted tcc or xa after `timeoutToFailMs`, checks back
   * for a message, and calls back for a workflow. Another `close()` does nothing.
   */
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

export interface HoldfastOptions {
  /** Callback URL of workflows that do not specify one. */
  readonly callbackUrl?: string;
  /** The work in progress that a shutdown waits for. */
  readonly work?: WorkInProgress;
}

/** A restart of a coordinator does not end a watch. */
const WATCH_RETRY_MS = 60_000;

/** Earlier names of methods; calling one throws an error with the new name. */
const RENAMED = {
  ended: renamed('ended', 'finished'),
  runCallBack: renamed('runCallBack', 'runCallback'),
};

function renamed(before: string, now: string): () => never {
  return () => {
    throw new TypeError(`hf.${before}() has been renamed: call hf.${now}()`);
  };
}

/** The application's object over any way to reach a coordinator. */
export function holdfast(api: Api, waitTimeoutMs: number, settings: HoldfastOptions = {}): Holdfast {
  const context = { api, waitTimeoutMs, work: settings.work };
  const within = ({ callTimeoutMs }: CallOptions = {}): SubmissionContext =>
    callTimeoutMs === undefined ? context : { ...context, api: limited(api, callTimeoutMs) };
  const untilFinal = (gid: string, { timeoutMs = waitTimeoutMs, ...options }: WaitOptions = {}) => {
    checkTime('timeoutMs', timeoutMs);
    return waitUntilFinal(api, gid, waitEnd(deadlineIn(timeoutMs), options.callTimeoutMs), callEnd(options));
  };
  const workflows = new Workflows({ ...context, callbackUrl: settings.callbackUrl });
  return {
    ...RENAMED,
    saga: (gid = newGid()) => new Saga(gid, context),
    message: (gid = newGid()) => new Message(gid, context),
    tcc: (work, options) => runTcc(within(options), work, options),
    xa: (work, options) => runXa(within(options), work, options),
    workflow: (name, options, code) => workflows.define(name, options, code),
    runCallback: (call) => workflows.callback(call),
    topics: topicsOf(api),
    newGid,

    async get(gid, options = {}) {
      const response = await api.getTransaction({ gid }, callEnd(options));
      if (response.ok) return response.value;
      if (response.rejection.rejection === 'not_found') return undefined;
      throw response.rejection;
    },

    async wait(gid, options) {
      return seenOrThrow(api, await untilFinal(gid, options), true);
    },

    async finished(gid, options) {
      const seen = await untilFinal(gid, options);
      return isFinal(seen.status) ? seen : seenOrThrow(api, seen, true);
    },

    watch(gid, { afterVersion = 0, retryForMs = WATCH_RETRY_MS, signal } = {}) {
      checkVersion('afterVersion', afterVersion);
      checkTime('retryForMs', retryForMs);
      return api.watch({ gid, afterVersion, retryForMs, signal });
    },

    async list(query = {}, options = {}) {
      const response = await api.listTransactions({ query }, callEnd(options));
      if (response.ok) return response.value;
      throw response.rejection;
    },

    async abort(gid, { reason, ...options } = {}) {
      const end = callEnd(options);
      const response = await api.abortTransaction({ gid, body: { reason } }, end);
      if (response.ok) return response.value;
      const { rejection, repeated } = response;
      const { status } = rejection;
      // An abort whose response was lost may be the reason for the status `aborting` or `failed`.
      return readIf(repeated && (status === 'aborting' || status === 'failed'), api, gid, rejection, end);
    },

    async retry(gid, options = {}) {
      const end = callEnd(options);
      const response = await api.retryTransaction({ gid }, end);
      if (response.ok) return response.value;
      // A retry whose response was lost may be the reason why the transaction is finished now.
      return readIf(response.repeated && response.rejection.rejection === 'refused', api, gid, response.rejection, end);
    },

    close: () => api.close(),
    [Symbol.asyncDispose]: () => api.close(),
  };
}

async function readIf(
  done: boolean,
  api: Api,
  gid: string,
  rejection: Error,
  { endsMs }: CallEnd,
): Promise<TransactionDetails> {
  if (!done) throw rejection;
  const response = await api.getTransaction({ gid }, { endsMs }).catch((error: unknown) => {
    throw inDoubt(error);
  });
  if (!response.ok) throw rejection;
  return response.value;
}
