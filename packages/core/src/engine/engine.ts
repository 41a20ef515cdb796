import { cutReason, HoldfastError, LIMITS } from '@holdfast/protocol';
import type { CallContext } from '../call-context.ts';
import type {
  AbortInput,
  CategoryKey,
  CategoryQuery,
  Coordinator,
  FinishWorkflowInput,
  ForceStopInput,
  LivingNodes,
  NodeLoad,
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
} from '../coordinator.ts';
import { heartbeatPeriodMs } from '../patterns/workflow.ts';
import type { KeyValue, Page, StoreCounts } from '../store/store.ts';
import { Admission } from './admission.ts';
import { BranchRegistration } from './branch-registration.ts';
import type { EngineOptions } from './engine-options.ts';
import { fromStore } from './from-store.ts';
import { byOf } from './origin.ts';
import { Queries } from './queries.ts';
import { viewOfTransaction } from './records.ts';
import { Submissions } from './submissions.ts';
import { type EngineDependencies, type Parts, wireEngine } from './wiring.ts';

const DRAIN_POLL_MS = 20;
/** A coordinator: one node over a store. `Coordinator` describes its guarantees to callers. */
export class Engine implements Coordinator {
  readonly #p: Parts;
  readonly #admission: Admission;
  readonly #queries: Queries;
  readonly #submissions: Submissions;
  readonly #registration: BranchRegistration;

  constructor(dependencies: EngineDependencies, options: Partial<EngineOptions> = {}) {
    const parts = (this.#p = wireEngine(dependencies, options));
    const admission = (this.#admission = new Admission({
      clock: parts.dependencies.clock,
      maxQueuedWrites: parts.options.maxQueuedWrites,
      queuedWrites: () => parts.committer.queued,
    }));
    const queries = (this.#queries = new Queries(parts, admission));
    this.#submissions = new Submissions(parts, admission, queries);
    this.#registration = new BranchRegistration(parts, admission, queries);
  }

  /**
   * Registers this node and starts to drive due transactions. Throws `unavailable` if the store
   * cannot be reached.
   */
  async start(): Promise<void> {
    await fromStore(() => this.#p.session.start());
    this.#admission.start();
    this.#p.janitor.start();
    this.#p.claimer.start();
    this.#p.watcher.start();
  }

  /**
   * Makes this node not ready, although it still accepts requests, so that load balancers stop
   * using it before it drains.
   */
  retire(): void {
    this.#admission.retire();
  }

  /**
   * Claims no further transactions from the store. Clients may still finish the transactions they
   * began.
   */
  quiesce(): void {
    this.retire();
    this.#p.claimer.stop();
    this.#p.janitor.stop();
  }

  /**
   * Stops accepting, waits up to `timeoutMs` for the transactions in progress, ends the session and
   * releases the rest, so that other nodes (or the next start) continue them at once. Resolves to
   * the number of unfinished transactions that this node still drove.
   */
  async drain(timeoutMs: number): Promise<number> {
    this.quiesce();
    this.#admission.drain();
    // Their callers are to watch on another node, which follows the rest of what this one drives.
    this.#p.watchers.endAll();
    const deadlineMs = this.#p.dependencies.clock.monotonicMs() + timeoutMs;
    while (this.#p.runs.registry.size > 0 && this.#p.dependencies.clock.monotonicMs() < deadlineMs)
      await this.#pause(DRAIN_POLL_MS);
    const left = this.#p.runs.registry.size;
    this.#p.watcher.stop();
    // Before the session ends, because from then on other nodes may take over the rest.
    this.#p.runs.departures.dropAll();
    // Waiting callers receive their transactions in their current state.
    this.#p.waiters.endAll();
    await fromStore(() => this.#p.session.stop());
    if (left > 0) await this.#p.janitor.handOver(left);
    return left;
  }

  newGid(): string {
    try {
      return this.#p.dependencies.identities.newGid();
    } catch (error) {
      throw HoldfastError.from(error);
    }
  }

  prepare(context: CallContext, input: TransactionInput): Promise<TransactionView> {
    return this.#submissions.prepare(context, input);
  }

  submitPrepared(context: CallContext, input: SubmitPreparedInput): Promise<TransactionView> {
    return this.#submissions.submitPrepared(context, input);
  }

  submit(context: CallContext, input: TransactionInput): Promise<PassOutcome> {
    return this.#submissions.submit(context, input);
  }

  repeats(context: CallContext, input: TransactionInput, kind: 'prepared' | 'submitted'): Promise<boolean> {
    return this.#submissions.repeats(context, input, kind);
  }

  prepareWorkflow(context: CallContext, input: TransactionInput): Promise<TransactionView> {
    return this.#submissions.prepareWorkflow(context, input);
  }

  registerBranch(context: CallContext, input: RegisterBranchInput): Promise<void> {
    return this.#registration.registerBranch(context, input);
  }

  async finishWorkflow(
    context: CallContext,
    { gid, status, rollbackReason, result }: FinishWorkflowInput,
  ): Promise<TransactionView> {
    if (result.length > LIMITS.workflowResultLength) {
      const fault = `must have at most ${LIMITS.workflowResultLength} characters, not ${result.length}`;
      throw new HoldfastError('too_large', fault, { gid, field: ['result'] });
    }
    const ended = { kind: 'ended', status, rollbackReason: cutReason(rollbackReason), result } as const;
    return viewOfTransaction(await this.#submissions.command(context, gid, ended, { pattern: 'workflow' }));
  }

  async abort(
    context: CallContext,
    { gid, pattern, reason, byOperator = false, waitResult = false }: AbortInput,
  ): Promise<TransactionView> {
    const event = { kind: 'abort', reason: cutReason(reason), byOperator, ...byOf(context) } as const;
    return viewOfTransaction(await this.#submissions.command(context, gid, event, { pattern, wholePass: waitResult }));
  }

  async parkWorkflow(context: CallContext, { gid, reason }: ParkWorkflowInput): Promise<TransactionView> {
    const event = { kind: 'park', reason: cutReason(reason), ...byOf(context) } as const;
    return viewOfTransaction(await this.#submissions.command(context, gid, event, { pattern: 'workflow' }));
  }

  async heartbeat(context: CallContext, gid: string): Promise<void> {
    await this.#submissions.command(context, gid, { kind: 'heartbeat' }, { pattern: 'workflow' });
  }

  heartbeatPeriodMs({ definition }: Pick<TransactionView, 'definition'>): number {
    return heartbeatPeriodMs(definition.options, this.#p.options);
  }

  async forceStop(context: CallContext, { gid, reason }: ForceStopInput): Promise<TransactionView> {
    const event = { kind: 'stop', reason: cutReason(reason) || 'no reason was given', ...byOf(context) } as const;
    return viewOfTransaction(await this.#submissions.command(context, gid, event));
  }

  async retryNow(context: CallContext, gid: string): Promise<TransactionView> {
    return viewOfTransaction(await this.#submissions.command(context, gid, { kind: 'retry', ...byOf(context) }));
  }

  async retryWaiting(context: CallContext, { laterThanMs, limit }: RetryWaitingInput) {
    this.#admission.assertInTime(context);
    const made = await fromStore(() =>
      this.#p.dependencies.store.makeDue({ namespace: context.namespace, laterThanMs, limit }),
    );
    if (made.count > 0) this.#p.claimer.hint(0);
    return made;
  }

  async subscribe(context: CallContext, { topic, url, remark }: SubscribeInput): Promise<void> {
    this.#admission.assertInTime(context);
    await fromStore(() => this.#p.topics.subscribe(context.namespace, topic, { url, remark }));
  }

  async unsubscribe(context: CallContext, { topic, url }: UnsubscribeInput): Promise<void> {
    this.#admission.assertInTime(context);
    await fromStore(() => this.#p.topics.unsubscribe(context.namespace, topic, url));
  }

  async deleteTopic(context: CallContext, topic: string): Promise<void> {
    this.#admission.assertInTime(context);
    await fromStore(() => this.#p.topics.remove(context.namespace, topic));
  }

  get(context: CallContext, gid: string): Promise<TransactionView | undefined> {
    return this.#queries.get(context, gid);
  }

  list(context: CallContext, query: TransactionQuery): Promise<Page<TransactionView>> {
    return this.#queries.list(context, query);
  }

  assertMayWait(gid: string): void {
    this.#queries.assertMayWait(gid);
  }

  wait(context: CallContext, gid: string, timeoutMs: number): Promise<TransactionView> {
    return this.#queries.wait(context, gid, timeoutMs);
  }

  watch(context: CallContext, input: WatchInput): AsyncGenerator<TransactionView, void, undefined> {
    return this.#queries.watch(context, input);
  }

  scanKeyValues(context: CallContext, query: CategoryQuery): Promise<Page<KeyValue>> {
    return this.#queries.scanKeyValues(context, query);
  }

  queryKeyValue(context: CallContext, key: CategoryKey): Promise<KeyValue | undefined> {
    return this.#queries.queryKeyValue(context, key);
  }

  counts(context: CallContext): Promise<StoreCounts> {
    return this.#queries.counts(context);
  }

  nodes(): Promise<LivingNodes> {
    return this.#queries.nodes();
  }

  load(): NodeLoad {
    return {
      session: this.#p.session.id,
      inProgress: this.#p.runs.registry.size,
      callsRunning: this.#p.destinations.running,
      writesQueued: this.#p.committer.queued,
      waiters: this.#p.waiters.count,
      watched: this.#p.watchers.count,
      draining: this.#admission.isRetiring,
      leaseHeld: this.#p.session.leaseHeld(),
    };
  }

  async ready(): Promise<void> {
    this.#admission.assertAccepting();
    if (this.#admission.isRetiring) throw new HoldfastError('unavailable', 'this node is shutting down');
    await fromStore(() => this.#p.dependencies.store.nowMs());
    if (!this.#p.session.leaseHeld()) throw new HoldfastError('unavailable', this.#whyNoSession());
    await fromStore(() => this.#p.writePath.assertWritable());
  }

  #whyNoSession(): string {
    const { failure } = this.#p.session;
    const why = failure === undefined ? '' : `: ${failure}`;
    return `this node has no session in the store and opens a new one as soon as the store accepts it${why}`;
  }

  #pause(delayMs: number): Promise<void> {
    return new Promise((resolve) => this.#p.dependencies.clock.setTimer(delayMs, resolve));
  }
}
