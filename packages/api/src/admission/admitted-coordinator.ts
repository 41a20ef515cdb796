import { setImmediate as nextTurn } from 'node:timers/promises';
import type {
  AbortInput,
  CallContext,
  CategoryKey,
  CategoryQuery,
  Coordinator,
  FinishWorkflowInput,
  ForceStopInput,
  ParkWorkflowInput,
  PassOutcome,
  RegisterBranchInput,
  RetryWaitingInput,
  SubmitPreparedInput,
  SubscribeInput,
  TransactionInput,
  TransactionQuery,
  TransactionView,
  UnsubscribeInput,
  WatchInput,
} from '@holdfast/core';
import { changeStarts } from '../calls/deadline.ts';
import { FEW } from '../reading/in-turns.ts';
import type { Submitted, Unfinished } from '../limits/unfinished.ts';
import type { Admission } from './admission.ts';

/**
 * Checking a transaction of a thousand steps takes about as long as storing it: other events are
 * handled in between.
 */
const isLong = ({ steps }: TransactionInput): boolean => (steps?.length ?? 0) > FEW;

const asIs = (view: TransactionView): Submitted => view;
/** Creating the view of a transaction is not worth its version. */
const statusOnly = ({ status }: PassOutcome): Submitted => ({ status });

/**
 * A coordinator that admits only what its rules allow: the operations of every transport call this
 * one, so that the rules are applied once and are the same for all. What the rules forbid is thrown
 * before a promise is created.
 */
export class AdmittedCoordinator implements Coordinator {
  readonly #coordinator: Coordinator;
  readonly #admission: Admission;
  readonly #unfinished: Unfinished | undefined;

  /** @param unfinished bounds the unfinished transactions of callers; absent: nothing does */
  constructor(coordinator: Coordinator, admission: Admission, unfinished?: Unfinished) {
    this.#coordinator = coordinator;
    this.#admission = admission;
    this.#unfinished = unfinished;
  }

  newGid() {
    return this.#coordinator.newGid();
  }

  prepare(context: CallContext, input: TransactionInput) {
    const admitted = this.#admission.transaction(input, context.namespace);
    const unfinished = this.#unfinished;
    if (unfinished === undefined) return this.#prepare(context, admitted);
    return unfinished.submit(context, input.gid, () => this.#prepare(context, admitted), asIs);
  }

  #prepare(context: CallContext, admitted: TransactionInput) {
    changeStarts(context, admitted.gid);
    return isLong(admitted)
      ? nextTurn().then(() => this.#coordinator.prepare(context, admitted))
      : this.#coordinator.prepare(context, admitted);
  }

  submit(context: CallContext, input: TransactionInput) {
    const admitted = this.#admission.transaction(input, context.namespace);
    const unfinished = this.#unfinished;
    if (unfinished === undefined) return this.#submit(context, admitted);
    return unfinished.submit(context, input.gid, () => this.#submit(context, admitted), statusOnly);
  }

  #submit(context: CallContext, admitted: TransactionInput) {
    changeStarts(context, admitted.gid);
    return isLong(admitted)
      ? nextTurn().then(() => this.#coordinator.submit(context, admitted))
      : this.#coordinator.submit(context, admitted);
  }

  submitPrepared(context: CallContext, input: SubmitPreparedInput) {
    changeStarts(context, input.gid);
    return this.#coordinator.submitPrepared(context, input);
  }

  finishWorkflow(context: CallContext, input: FinishWorkflowInput) {
    changeStarts(context, input.gid);
    return this.#coordinator.finishWorkflow(context, input);
  }

  abort(context: CallContext, input: AbortInput) {
    changeStarts(context, input.gid);
    return this.#coordinator.abort(context, input);
  }

  registerBranch(context: CallContext, input: RegisterBranchInput) {
    this.#admission.registrations(input.gid, context.namespace, input.pattern, input.branches);
    changeStarts(context, input.gid);
    return this.#coordinator.registerBranch(context, input);
  }

  prepareWorkflow(context: CallContext, input: TransactionInput) {
    const admitted = this.#admission.transaction(input, context.namespace);
    const unfinished = this.#unfinished;
    if (unfinished === undefined) return this.#prepareWorkflow(context, admitted);
    return unfinished.submit(context, input.gid, () => this.#prepareWorkflow(context, admitted), asIs);
  }

  #prepareWorkflow(context: CallContext, admitted: TransactionInput) {
    changeStarts(context, admitted.gid);
    return this.#coordinator.prepareWorkflow(context, admitted);
  }

  parkWorkflow(context: CallContext, input: ParkWorkflowInput) {
    changeStarts(context, input.gid);
    return this.#coordinator.parkWorkflow(context, input);
  }

  heartbeat(context: CallContext, gid: string) {
    changeStarts(context, gid);
    return this.#coordinator.heartbeat(context, gid);
  }

  heartbeatPeriodMs(workflow: Pick<TransactionView, 'definition'>) {
    return this.#coordinator.heartbeatPeriodMs(workflow);
  }

  forceStop(context: CallContext, stop: ForceStopInput) {
    changeStarts(context, stop.gid);
    return this.#coordinator.forceStop(context, stop);
  }

  retryNow(context: CallContext, gid: string) {
    changeStarts(context, gid);
    return this.#coordinator.retryNow(context, gid);
  }

  retryWaiting(context: CallContext, input: RetryWaitingInput) {
    changeStarts(context);
    return this.#coordinator.retryWaiting(context, input);
  }

  get(context: CallContext, gid: string) {
    return this.#coordinator.get(context, gid);
  }

  list(context: CallContext, query: TransactionQuery) {
    return this.#coordinator.list(context, { ...query, limit: this.#admission.pageSize(query.limit) });
  }

  assertMayWait(gid: string) {
    this.#coordinator.assertMayWait(gid);
  }

  wait(context: CallContext, gid: string, timeoutMs: number) {
    return this.#coordinator.wait(context, gid, timeoutMs);
  }

  watch(context: CallContext, input: WatchInput) {
    return this.#coordinator.watch(context, input);
  }

  subscribe(context: CallContext, input: SubscribeInput) {
    this.#admission.subscriber(input.url, context.namespace);
    changeStarts(context);
    return this.#coordinator.subscribe(context, input);
  }

  unsubscribe(context: CallContext, input: UnsubscribeInput) {
    changeStarts(context);
    return this.#coordinator.unsubscribe(context, input);
  }

  deleteTopic(context: CallContext, topic: string) {
    changeStarts(context);
    return this.#coordinator.deleteTopic(context, topic);
  }

  scanKeyValues(context: CallContext, query: CategoryQuery) {
    return this.#coordinator.scanKeyValues(context, { ...query, limit: this.#admission.pageSize(query.limit) });
  }

  queryKeyValue(context: CallContext, query: CategoryKey) {
    return this.#coordinator.queryKeyValue(context, query);
  }

  counts(context: CallContext) {
    return this.#coordinator.counts(context);
  }

  nodes(context: CallContext) {
    return this.#coordinator.nodes(context);
  }

  load() {
    return this.#coordinator.load();
  }

  ready() {
    return this.#coordinator.ready();
  }
}
