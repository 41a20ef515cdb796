import { isFinal, type TransactionDetails, type TransactionPage } from '@holdfast/protocol';
import type { Api, ListQuery } from './api/api.ts';
import { newGid } from './gid.ts';
import { Message } from './message.ts';
import type { CallOptions, WaitOptions } from './options.ts';
import { answerOrThrow, deadlineIn, waitUntilFinal } from './outcome.ts';
import { Saga } from './saga.ts';
import { type Topics, topicsOf } from './topics.ts';
import { runTcc, type Tcc, type TccOptions } from './tcc.ts';
import type { BranchCallContext } from './participants/call.ts';
import type { Workflow, WorkflowCode, WorkflowOptions } from './workflow/options.ts';
import { Workflows } from './workflow/workflows.ts';
import type { WorkInProgress } from './work-in-progress.ts';
import { runXa, type Xa, type XaOptions } from './xa.ts';

/** A coordinator, as the application sees it. */
export interface Holdfast {
  /** A new saga; the gid is made here unless given (128 characters at most). */
  saga(gid?: string): Saga;
  /** A new message; the gid is made here unless given (128 characters at most). */
  message(gid?: string): Message;
  /**
   * Runs `work`, which tries one branch after the other or several at once, and then confirms them
   * all; a throw cancels them all. Answers what `work` returned once the decision is durable, or
   * with `wait`, once every branch was confirmed.
   *
   *     const room = await hf.tcc(async (tx) => {
   *       await tx.call({ try: seat.hold, confirm: seat.book, cancel: seat.release, payload: { flight } });
   *       return tx.call({ try: room.hold, confirm: room.book, cancel: room.release, payload: { hotel } });
   *     });
   *
   * If this process dies the coordinator cancels it after `timeoutToFailMs`. Within the try of a
   * tcc it is part of that one (`join`): a throw then cancels the whole, goes up, and lets the try
   * fail.
   *
   * A gid runs once: it is refused when the transaction under it has been decided. While it is
   * prepared, a second run goes on with it and calls the tries again, which the barrier makes
   * harmless. When an earlier run registered a branch that the second run does not call, the
   * transaction is cancelled.
   *
   * @throws {TransactionFailed} it is cancelled; `cause` is what `work` threw
   * @throws {TransactionPending} with `wait`: the time is over, the confirms go on
   * @throws {CoordinatorUnreachable | UnexpectedResponse} nothing began; or, with a `cause` that
   * `work` threw, the order to cancel was not delivered, and
   *   happens by itself after `timeoutToFailMs`; or the answer to the submit was lost: look with `get(gid)`
   * @throws {RequestRejected} the gid was used before, or a field is wrong
   */
  tcc<T>(work: (tx: Tcc) => T | Promise<T>, options?: TccOptions): Promise<T>;
  /**
   * Runs `work`, which calls branches that each prepare an XA transaction of their database, and
   * then commits them all; a throw rolls them all back. Answers what `work` returned once the
   * decision is durable, or with `wait`, once every branch was committed. Time-out, repetition and
   * errors as with `tcc`.
   *
   *     await hf.xa(async (tx) => {
   *       await tx.call({ url: 'http://bank-a/xa/debit', payload: { amount: 30 } });
   *       await tx.call({ url: 'http://bank-b/xa/credit', payload: { amount: 30 } });
   *     });
   */
  xa<T>(work: (tx: Xa) => T | Promise<T>, options?: XaOptions): Promise<T>;
  /**
   * Defines a workflow: code of this process whose steps are recorded, which goes on after a crash
   * and is undone when it fails. See `Flow` for what the code may do. Define each once, at start,
   * before call-backs are served (`workflowCallback`).
   *
   *     const transfer = hf.workflow('transfer', { version: 1, callbackUrl: 'http://me/workflows' }, async (flow, input: Transfer) => {
   *       const debit = await flow.step('debit', { run: () => bankA.debit(input), undo: () => bankA.refund(input) });
   *       await flow.call('credit', { action: credit, compensate: revoke, payload: input });
   *       return { receipt: debit.id };
   *     });
   *     const { receipt } = await transfer.run({ amount: 30 });
   *
   * @throws {TypeError} the name is taken, or there is no URL to be called back at
   */
  workflow<Input, Output>(
    name: string,
    options: WorkflowOptions,
    code: WorkflowCode<Input, Output>,
  ): Workflow<Input, Output>;
  /**
   * Answers a coordinator's call-back of a workflow, whatever brought it; over HTTP
   * `workflowCallback` does. What it throws is the answer, as of any participant's handler.
   */
  runCallback(call: BranchCallContext): Promise<void>;
  /** Whom messages to a topic are sent to. */
  readonly topics: Topics;
  /** A gid nobody used before; no request is made. */
  newGid(): string;
  /**
   * A transaction with its branches and timeline; undefined when there is none of that gid
   * (finished ones are purged after the retention).
   */
  get(gid: string, options?: CallOptions): Promise<TransactionDetails | undefined>;
  /**
   * Waits until the transaction succeeded.
   *
   * @throws {TransactionFailed} it was rolled back, or is being rolled back
   * @throws {TransactionPending} the time is over, the transaction goes on
   * @throws {RequestRejected} there is none of that gid
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
  /** One page of transactions, newest first. */
  list(query?: ListQuery, options?: CallOptions): Promise<TransactionPage>;
  /**
   * Turns an unfinished transaction back, as an operator would: started steps of a saga are
   * compensated, a tcc or xa that is not submitted is cancelled, a prepared message is given up, a
   * workflow is called back to compensate.
   *
   * @throws {RequestRejected} its status does not allow it, or there is none of that gid
   */
  abort(gid: string, options?: CallOptions & { readonly reason?: string }): Promise<TransactionDetails>;
  /**
   * Drives an unfinished transaction now instead of at its next attempt.
   *
   * @throws {RequestRejected} it is finished, or there is none of that gid
   */
  retry(gid: string, options?: CallOptions): Promise<TransactionDetails>;
  /**
   * Waits for what is in progress, at most for `drainMs`: the work of `tcc`, `xa` and `submitWith`
   * until it is submitted or cancelled, workflows that run in this process, and calls to the
   * coordinator. Nothing new starts, except by code of what is in progress and by branch handlers.
   * Then the connections are closed, and calls are rejected (`CoordinatorUnreachable`). The
   * coordinator completes what is left: it cancels an unsubmitted tcc or xa after
   * `timeoutToFailMs`, checks back for a message, and calls back for a workflow. Another `close()`
   * does nothing.
   */
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

export interface HoldfastOptions {
  /** Where workflows are called back that do not say where. */
  readonly callbackUrl?: string;
  /** What a shutdown waits for is noted here. */
  readonly work?: WorkInProgress;
}

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
  const workflows = new Workflows({ ...context, callbackUrl: settings.callbackUrl });
  return {
    ...RENAMED,
    saga: (gid = newGid()) => new Saga(gid, context),
    message: (gid = newGid()) => new Message(gid, context),
    tcc: (work, options) => runTcc(context, work, options),
    xa: (work, options) => runXa(context, work, options),
    workflow: (name, options, code) => workflows.define(name, options, code),
    runCallback: (call) => workflows.callback(call),
    topics: topicsOf(api),
    newGid,

    async get(gid, { signal } = {}) {
      const answer = await api.getTransaction({ gid }, { signal });
      if (answer.ok) return answer.value;
      if (answer.rejection.rejection === 'not_found') return undefined;
      throw answer.rejection;
    },

    async wait(gid, { timeoutMs = waitTimeoutMs, signal } = {}) {
      return answerOrThrow(api, await waitUntilFinal(api, gid, deadlineIn(timeoutMs), signal), true);
    },

    async finished(gid, { timeoutMs = waitTimeoutMs, signal } = {}) {
      const seen = await waitUntilFinal(api, gid, deadlineIn(timeoutMs), signal);
      return isFinal(seen.status) ? seen : answerOrThrow(api, seen, true);
    },

    async list(query = {}, { signal } = {}) {
      const answer = await api.listTransactions({ query }, { signal });
      if (answer.ok) return answer.value;
      throw answer.rejection;
    },

    async abort(gid, { reason, signal } = {}) {
      const answer = await api.abortTransaction({ gid, body: { reason } }, { signal });
      if (answer.ok) return answer.value;
      const { rejection, repeated } = answer;
      const { status } = rejection;
      // An abort whose answer was lost may be why it is aborting or failed now.
      return readIf(repeated && (status === 'aborting' || status === 'failed'), api, gid, rejection);
    },

    async retry(gid, { signal } = {}) {
      const answer = await api.retryTransaction({ gid }, { signal });
      if (answer.ok) return answer.value;
      // A retry whose answer was lost may be why it is finished now.
      return readIf(answer.repeated && answer.rejection.rejection === 'refused', api, gid, answer.rejection);
    },

    close: () => api.close(),
    [Symbol.asyncDispose]: () => api.close(),
  };
}

async function readIf(done: boolean, api: Api, gid: string, rejection: Error): Promise<TransactionDetails> {
  if (!done) throw rejection;
  const answer = await api.getTransaction({ gid }, {});
  if (!answer.ok) throw rejection;
  return answer.value;
}
