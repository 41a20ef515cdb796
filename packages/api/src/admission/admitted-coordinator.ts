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
import { HoldfastError } from '@holdfast/protocol';
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
 * one, so that the rules are applied once and are the same for all.
 *
 * AD1  What the rules forbid is not passed on, unless it repeats what is stored already: it was
 *      accepted before the rules changed, and may have been carried out. Its client must not take
 *      it for rejected. Only what is forbidden costs a read.
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
    const admitted = this.#admit(input, context.namespace);
    if (admitted instanceof HoldfastError)
      return this.#ifRepeated(context, input, 'prepared', admitted, (known) => this.#prepare(context, known));
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
    const admitted = this.#admit(input, context.namespace);
    if (admitted instanceof HoldfastError)
      return this.#ifRepeated(context, input, 'submitted', admitted, (known) => this.#submit(context, known));
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

  repeats(context: CallContext, input: TransactionInput, kind: 'prepared' | 'submitted') {
    return this.#coordinator.repeats(context, input, kind);
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
    try {
      this.#admission.registrations(input.gid, context.namespace, input.pattern, input.branches);
    } catch (thrown) {
      return this.#ifRegistered(context, input, HoldfastError.from(thrown));
    }
    return this.#registerBranch(context, input);
  }

  #registerBranch(context: CallContext, input: RegisterBranchInput) {
    changeStarts(context, input.gid);
    return this.#coordinator.registerBranch(context, input);
  }

  prepareWorkflow(context: CallContext, input: TransactionInput) {
    const admitted = this.#admit(input, context.namespace);
    if (admitted instanceof HoldfastError)
      return this.#ifRepeated(context, input, 'prepared', admitted, (known) => this.#prepareWorkflow(context, known));
    const unfinished = this.#unfinished;
    if (unfinished === undefined) return this.#prepareWorkflow(context, admitted);
    return unfinished.submit(context, input.gid, () => this.#prepareWorkflow(context, admitted), asIs);
  }

  #prepareWorkflow(context: CallContext, admitted: TransactionInput) {
    changeStarts(context, admitted.gid);
    return this.#coordinator.prepareWorkflow(context, admitted);
  }

  /** The input as it is passed on, or why it is forbidden. */
  #admit(input: TransactionInput, namespace: string): TransactionInput | HoldfastError {
    try {
      return this.#admission.transaction(input, namespace);
    } catch (thrown) {
      return HoldfastError.from(thrown);
    }
  }

  /** Passes on a forbidden input that repeats what is stored (AD1). Rejects any other. */
  async #ifRepeated<T>(
    context: CallContext,
    input: TransactionInput,
    kind: 'prepared' | 'submitted',
    rejection: HoldfastError,
    pass: (known: TransactionInput) => Promise<T>,
  ): Promise<T> {
    if (input.gid === '' || !(await this.#coordinator.repeats(context, input, kind))) throw rejection;
    return pass({ ...input, mustExist: true });
  }

  /** Passes on a forbidden registration of branches that are registered already (AD1). */
  async #ifRegistered(context: CallContext, input: RegisterBranchInput, rejection: HoldfastError): Promise<void> {
    const { gid, branches } = input;
    const registered = gid === '' ? undefined : (await this.#coordinator.get(context, gid))?.branches;
    const isRegistered = ({ branchId, op, url, payload }: RegisterBranchInput['branches'][number]): boolean =>
      registered?.some(
        (one) =>
          one.branchId === branchId && one.op === op && one.url === url && Buffer.compare(one.payload, payload) === 0,
      ) === true;
    if (!branches.every(isRegistered)) throw rejection;
    return this.#registerBranch(context, input);
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
