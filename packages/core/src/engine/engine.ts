import { cutReason, HoldfastError, isFinal, LIMITS, type Pattern, type TransactionKey } from '@holdfast/protocol';
import { encodeRegistration } from '../codec/entry-codec.ts';
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
} from '../coordinator.ts';
import type { EngineOptions } from './engine-options.ts';
import type { Definition, Transaction } from '../patterns/model.ts';
import { plainIntervalMs } from '../patterns/retry.ts';
import { failureReason, newTransaction } from '../patterns/state.ts';
import type { TransactionEvent } from '../patterns/step.ts';
import { heartbeatPeriodMs } from '../patterns/workflow.ts';
import { type KeyValue, type Page, type StoreCounts, StoreError } from '../store/store.ts';
import { acceptDefinition, acceptKeyText, acceptKnownGid, acceptRegistrations, groupOf } from './accept.ts';
import { STORE_LIMITS } from '../store/rules.ts';
import type { Committer, WriteResult } from './committer.ts';
import { contradicts, isPast, notStarted, unknownGid } from './errors.ts';
import { byOf, withOrigin } from './origin.ts';
import { listPage } from './lists.ts';
import { viewOf, viewOfTransaction } from './records.ts';
import { assertSame, registrationError, roomFor } from './registrations.ts';
import { idOf } from './run.ts';
import { type EngineDependencies, type Parts, wireEngine } from './wiring.ts';

interface CommandDetails {
  readonly pattern?: Pattern | undefined;
  readonly definition?: Definition;
  readonly wholePass?: boolean;
}

const DRAIN_POLL_MS = 20;
/**
 * A definition with more steps than this is checked, parsed and written in separate turns of the
 * event loop: with a thousand steps each takes milliseconds.
 */
const LONG = 100;
const parkedOutcome = (parked: string): Pick<PassOutcome, 'waited' | 'lastResult' | 'parked'> => ({
  waited: true,
  lastResult: { kind: 'UNKNOWN', reason: `parked: ${parked}` },
  parked,
});

/** A coordinator: one node over a store. `Coordinator` describes its guarantees to callers. */
export class Engine implements Coordinator {
  readonly #d: EngineDependencies;
  readonly #p: Parts;
  readonly #options: EngineOptions;
  #started = false;
  #retiring = false;
  #draining = false;

  constructor(dependencies: EngineDependencies, options: Partial<EngineOptions> = {}) {
    this.#p = wireEngine(dependencies, options);
    this.#d = this.#p.dependencies;
    this.#options = this.#p.options;
  }

  /**
   * Registers this node and starts to drive due transactions. Throws `unavailable` if the store
   * cannot be reached.
   */
  async start(): Promise<void> {
    await this.#fromStore(() => this.#p.session.start());
    this.#started = true;
    this.#p.janitor.start();
    this.#p.claimer.start();
    this.#p.watcher.start();
  }

  /**
   * Makes this node not ready, although it still accepts requests, so that load balancers stop
   * using it before it drains.
   */
  retire(): void {
    this.#retiring = true;
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
    this.#draining = true;
    const deadlineMs = this.#d.clock.monotonicMs() + timeoutMs;
    while (this.#p.runs.registry.size > 0 && this.#d.clock.monotonicMs() < deadlineMs) await this.#pause(DRAIN_POLL_MS);
    const left = this.#p.runs.registry.size;
    this.#p.watcher.stop();
    // Before the session ends, because from then on other nodes may take over the rest.
    this.#p.runs.departures.dropAll();
    // Waiting callers receive their transactions in their current state.
    this.#p.waiters.endAll();
    await this.#fromStore(() => this.#p.session.stop());
    if (left > 0) await this.#p.janitor.handOver(left);
    return left;
  }

  newGid(): string {
    try {
      return this.#d.identities.newGid();
    } catch (error) {
      throw HoldfastError.from(error);
    }
  }

  async prepare(context: CallContext, input: TransactionInput): Promise<TransactionView> {
    return viewOfTransaction(await this.#create(context, input, { kind: 'prepared', again: false }, false));
  }

  async submitPrepared(
    context: CallContext,
    { gid, pattern, branches, run }: SubmitPreparedInput,
  ): Promise<TransactionView> {
    this.#assertAccepting();
    const called = { ...(branches !== undefined && { branches }), ...(run !== undefined && { run }) };
    const event = { kind: 'submitted', options: {}, ...called } as const;
    return viewOfTransaction(await this.#command(context, gid, event, { pattern }));
  }

  async submit(context: CallContext, input: TransactionInput): Promise<PassOutcome> {
    const wholePass = input.options?.waitResult === true;
    // A caller that cannot wait is rejected now, since a durable transaction can no longer be
    // rejected.
    if (wholePass) this.assertMayWait(input.gid);
    const transaction = await this.#create(
      context,
      input,
      { kind: 'submitted', options: input.options ?? {} },
      wholePass,
    );
    const { key, state, lastResult } = transaction;
    // A repeated submit may itself find the deadline passed. A caller that does not wait gets no
    // status, so it gets an error.
    if (!wholePass && (state.status === 'aborting' || state.status === 'failed'))
      throw isPast(key, state.status, 'submit');
    const view = (): TransactionView => viewOfTransaction(transaction);
    // The transaction is not driven until an operator retries it.
    if (wholePass && state.parked !== '')
      return { ...parkedOutcome(state.parked), status: state.status, rollbackReason: failureReason(state), view };
    if (wholePass && !isFinal(state.status) && lastResult === undefined && state.notBeforeMs === 0) {
      // The pass continues on another node, or waits for room in the work in progress. A wait that
      // fails counts as a wait that ended early.
      const seen = await this.wait(context, input.gid, this.#options.maxWaitMs).catch(view);
      const rollbackReason = failureReason(seen.state);
      const { parked } = seen.state;
      const outcome = parked === '' ? { waited: true, lastResult: undefined } : parkedOutcome(parked);
      return { ...outcome, status: seen.status, rollbackReason, view: () => seen };
    }
    return { status: state.status, waited: wholePass, rollbackReason: failureReason(state), lastResult, view };
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
    return viewOfTransaction(await this.#command(context, gid, ended, { pattern: 'workflow' }));
  }

  async abort(
    context: CallContext,
    { gid, pattern, reason, byOperator = false, waitResult = false }: AbortInput,
  ): Promise<TransactionView> {
    const event = { kind: 'abort', reason: cutReason(reason), byOperator, ...byOf(context) } as const;
    return viewOfTransaction(await this.#command(context, gid, event, { pattern, wholePass: waitResult }));
  }

  async registerBranch(
    context: CallContext,
    { gid, pattern, strict = false, branches }: RegisterBranchInput,
  ): Promise<void> {
    this.#assertAccepting();
    this.#assertInTime(context, gid);
    acceptRegistrations(gid, pattern, branches);
    const key = { namespace: context.namespace, gid };
    const isWorkflow = pattern === 'workflow';
    const whileAborting = isWorkflow && !(strict && branches.some(({ op }) => op !== 'rollback'));
    const createdAtMs = this.#p.session.nowMs();
    const entries = branches.map((branch) => encodeRegistration({ ...branch, createdAtMs }));
    const result = await this.#append(key, {
      kind: 'append',
      key,
      whenStatus: whileAborting ? ['prepared', 'aborting'] : ['prepared'],
      ...(pattern !== undefined && { whenPattern: pattern }),
      entries,
      ...roomFor(pattern, branches),
      ...(isWorkflow && { postponeMs: await this.#callbackIntervalMs(context, gid) }),
    });
    if (result.kind === 'applied') return assertSame(gid, pattern, branches, result.existing, strict);
    if (result.kind === 'conflict') await this.#assertPattern(context, gid, pattern);
    throw registrationError(gid, result);
  }

  async prepareWorkflow(context: CallContext, input: TransactionInput): Promise<TransactionView> {
    let found: Transaction | undefined;
    try {
      found = await this.#create(context, input, { kind: 'prepared', again: false }, false);
    } catch (error) {
      // A finished transaction is returned as well: its client learns the outcome.
      if (!(error instanceof HoldfastError) || error.code !== 'refused' || error.field !== undefined) throw error;
    }
    try {
      return await this.#mustGet(context, input.gid);
    } catch (error) {
      // While the client's callback is in progress, other calls may have recorded steps that are
      // not in memory.
      if (found === undefined || found.checking) throw error;
      return viewOfTransaction(found);
    }
  }

  /** The workflow's plain interval, by which each recorded step postpones the callback. */
  async #callbackIntervalMs(context: CallContext, gid: string): Promise<number> {
    const { definition } = await this.#assertPattern(context, gid, 'workflow');
    return plainIntervalMs(definition.options, this.#options);
  }

  /**
   * Throws unless the transaction has this pattern: a branch of another pattern would never be
   * called.
   */
  async #assertPattern(context: CallContext, gid: string, pattern: Pattern | undefined): Promise<TransactionView> {
    const view = await this.#mustGet(context, gid);
    if (pattern !== undefined && view.pattern !== pattern) throw contradicts('wrong_pattern', gid, view, pattern);
    return view;
  }

  async parkWorkflow(context: CallContext, { gid, reason }: ParkWorkflowInput): Promise<TransactionView> {
    const event = { kind: 'park', reason: cutReason(reason), ...byOf(context) } as const;
    return viewOfTransaction(await this.#command(context, gid, event, { pattern: 'workflow' }));
  }

  async heartbeat(context: CallContext, gid: string): Promise<void> {
    await this.#command(context, gid, { kind: 'heartbeat' }, { pattern: 'workflow' });
  }

  heartbeatPeriodMs({ definition }: Pick<TransactionView, 'definition'>): number {
    return heartbeatPeriodMs(definition.options, this.#options);
  }

  async forceStop(context: CallContext, { gid, reason }: ForceStopInput): Promise<TransactionView> {
    const event = { kind: 'stop', reason: cutReason(reason) || 'no reason was given', ...byOf(context) } as const;
    return viewOfTransaction(await this.#command(context, gid, event));
  }

  async retryNow(context: CallContext, gid: string): Promise<TransactionView> {
    return viewOfTransaction(await this.#command(context, gid, { kind: 'retry', ...byOf(context) }));
  }

  async retryWaiting(context: CallContext, { laterThanMs, limit }: RetryWaitingInput) {
    this.#assertInTime(context);
    const made = await this.#fromStore(() =>
      this.#d.store.makeDue({ namespace: context.namespace, laterThanMs, limit }),
    );
    if (made.count > 0) this.#p.claimer.hint(0);
    return made;
  }

  async get(context: CallContext, gid: string): Promise<TransactionView | undefined> {
    this.#assertInTime(context, gid);
    return this.#read(context, gid);
  }

  async #read(context: CallContext, gid: string): Promise<TransactionView | undefined> {
    acceptKnownGid(gid);
    const [record] = await this.#fromStore(() => this.#d.store.get([{ namespace: context.namespace, gid }]));
    return record === undefined ? undefined : viewOf(record);
  }

  async list(context: CallContext, query: TransactionQuery): Promise<Page<TransactionView>> {
    this.#assertInTime(context);
    if (query.gid !== undefined) acceptKnownGid(query.gid);
    return this.#fromStore(() => listPage(this.#d, context.namespace, query));
  }

  assertMayWait(gid: string): void {
    if (this.#p.waiters.count >= this.#options.maxWaiters)
      throw new HoldfastError('overloaded', 'too many callers wait for results; retry later', { gid });
  }

  async wait(context: CallContext, gid: string, timeoutMs: number): Promise<TransactionView> {
    this.#assertInTime(context, gid);
    const key = { namespace: context.namespace, gid };
    const drivenHere = timeoutMs > 0 && this.#p.runs.registry.drives(idOf(key));
    if (!drivenHere) {
      const view = await this.#mustGet(context, gid);
      if (isFinal(view.status) || timeoutMs <= 0) return view;
    }
    this.assertMayWait(gid);
    const waitMs = Math.min(timeoutMs, this.#options.maxWaitMs, this.#leftMs(context));
    const ended = this.#p.waiters.wait(key, waitMs, context.signal);
    if (!drivenHere) {
      // The transaction may have become final between the read and the wait.
      const now = await this.#mustGet(context, gid);
      if (isFinal(now.status)) {
        this.#p.waiters.notify(idOf(key));
        return now;
      }
    }
    await ended;
    return this.#mustGet(context, gid);
  }

  async subscribe(context: CallContext, { topic, url, remark }: SubscribeInput): Promise<void> {
    this.#assertInTime(context);
    await this.#fromStore(() => this.#p.topics.subscribe(context.namespace, topic, { url, remark }));
  }

  async unsubscribe(context: CallContext, { topic, url }: UnsubscribeInput): Promise<void> {
    this.#assertInTime(context);
    await this.#fromStore(() => this.#p.topics.unsubscribe(context.namespace, topic, url));
  }

  async deleteTopic(context: CallContext, topic: string): Promise<void> {
    this.#assertInTime(context);
    await this.#fromStore(() => this.#p.topics.remove(context.namespace, topic));
  }

  async scanKeyValues(context: CallContext, query: CategoryQuery): Promise<Page<KeyValue>> {
    this.#assertInTime(context);
    acceptKeyText(['category'], query.category, STORE_LIMITS.categoryLength);
    return this.#fromStore(() => this.#d.store.kvScan({ ...query, namespace: context.namespace }));
  }

  async queryKeyValue(context: CallContext, { category, key }: CategoryKey): Promise<KeyValue | undefined> {
    this.#assertInTime(context);
    acceptKeyText(['category'], category, STORE_LIMITS.categoryLength);
    acceptKeyText(['key'], key, STORE_LIMITS.keyLength);
    return this.#fromStore(() => this.#d.store.kvGet({ namespace: context.namespace, category, key }));
  }

  counts(context: CallContext): Promise<StoreCounts> {
    return this.#fromStore(() => this.#d.store.count(context.namespace));
  }

  async nodes(): Promise<LivingNodes> {
    const sessions = await this.#fromStore(() => this.#d.store.sessions());
    return { nowMs: this.#p.session.nowMs(), sessions };
  }

  load(): NodeLoad {
    return {
      session: this.#p.session.id,
      inProgress: this.#p.runs.registry.size,
      callsRunning: this.#p.destinations.running,
      writesQueued: this.#p.committer.queued,
      waiters: this.#p.waiters.count,
      draining: this.#retiring,
      leaseHeld: this.#p.session.leaseHeld(),
    };
  }

  async ready(): Promise<void> {
    this.#assertAccepting();
    if (this.#retiring) throw new HoldfastError('unavailable', 'this node is shutting down');
    await this.#fromStore(() => this.#d.store.nowMs());
    if (!this.#p.session.leaseHeld()) throw new HoldfastError('unavailable', this.#whyNoSession());
    await this.#fromStore(() => this.#p.writePath.assertWritable());
  }

  #whyNoSession(): string {
    const { failure } = this.#p.session;
    const why = failure === undefined ? '' : `: ${failure}`;
    return `this node has no session in the store and opens a new one as soon as the store accepts it${why}`;
  }

  // ---- how commands reach the runs

  async #create(
    context: CallContext,
    input: TransactionInput,
    event: TransactionEvent,
    wholePass: boolean,
  ): Promise<Transaction> {
    this.#assertAccepting();
    this.#assertInTime(context, input.gid);
    const accepted = withOrigin(acceptDefinition(input), context);
    const isLong = accepted.steps.length > LONG;
    if (isLong) await this.#nextTurn();
    let definition = accepted;
    // Awaits only where necessary: most definitions name no topic.
    if (accepted.pattern === 'msg') {
      try {
        definition = await this.#fromStore(() => this.#p.topics.resolve(context.namespace, input.gid, accepted));
      } catch (error) {
        // Since the first submission the topic may have lost its subscribers or gained more; a
        // message that is already stored keeps its own.
        const { code } = HoldfastError.from(error);
        const mayBeStored = code === 'invalid' || code === 'too_large';
        if (!mayBeStored || (await this.#read(context, input.gid)) === undefined) throw error;
        return this.#command(context, input.gid, event, { pattern: 'msg', definition: accepted, wholePass });
      }
    }
    const key = { namespace: context.namespace, gid: input.gid };
    const nowMs = this.#p.session.nowMs();
    const fresh = newTransaction(key, definition, nowMs, input.heartbeats === true ? nowMs : 0);
    const group = groupOf(input.gid, definition) || (input.group ?? '');
    if (isLong) await this.#nextTurn();
    this.#assertInTime(context, input.gid);
    return new Promise((done, failed) => {
      this.#p.runs.commands.create(fresh, group, {
        event,
        reply: { done, failed, wholePass },
        pattern: input.pattern,
        definition,
      });
    });
  }

  /** Continues after other events were processed. Throws if this node has stopped accepting. */
  async #nextTurn(): Promise<void> {
    await this.#pause(0);
    this.#assertAccepting();
  }

  #command(
    context: CallContext,
    gid: string,
    event: TransactionEvent,
    { pattern, definition, wholePass = false }: CommandDetails = {},
  ): Promise<Transaction> {
    this.#assertInTime(context, gid);
    acceptKnownGid(gid);
    this.#assertStarted();
    return new Promise((done, failed) => {
      const delivery = {
        event,
        reply: { done, failed, wholePass },
        ...(pattern !== undefined && { pattern }),
        ...(definition !== undefined && { definition }),
      };
      this.#p.runs.commands.command({ namespace: context.namespace, gid }, delivery);
    });
  }

  #append(key: TransactionKey, item: Parameters<Committer['enqueue']>[0]): Promise<WriteResult> {
    return new Promise((resolve) => this.#p.committer.enqueue(item, idOf(key), false, resolve));
  }

  async #mustGet(context: CallContext, gid: string): Promise<TransactionView> {
    const view = await this.#read(context, gid);
    if (view === undefined) throw unknownGid(gid);
    return view;
  }

  /** Time until the caller's deadline; infinite without one. */
  #leftMs({ deadlineMs }: CallContext): number {
    return deadlineMs === undefined ? Infinity : Math.max(0, deadlineMs - this.#d.clock.monotonicMs());
  }

  /** A request whose deadline has passed is not started. A started one is reported as it ends. */
  #assertInTime(context: CallContext, gid?: string): void {
    if (context.deadlineMs !== undefined && this.#leftMs(context) === 0) throw notStarted(gid);
  }

  /** Before this node has a session it does not know engine time. */
  #assertStarted(): void {
    if (!this.#started) throw new HoldfastError('unavailable', 'this node has not started yet; retry');
  }

  #assertAccepting(): void {
    this.#assertStarted();
    if (this.#draining) throw new HoldfastError('unavailable', 'this node is shutting down; retry on another node');
    const { maxQueuedWrites } = this.#options;
    if (this.#p.committer.queued >= maxQueuedWrites)
      throw new HoldfastError('overloaded', `${maxQueuedWrites} writes wait for the store; retry later`);
  }

  async #fromStore<T>(ask: () => Promise<T>): Promise<T> {
    try {
      return await ask();
    } catch (error) {
      if (error instanceof StoreError) {
        throw new HoldfastError(error.code === 'invalid' ? 'invalid' : 'unavailable', error.message, { cause: error });
      }
      throw HoldfastError.from(error);
    }
  }

  #pause(delayMs: number): Promise<void> {
    return new Promise((resolve) => this.#d.clock.setTimer(delayMs, resolve));
  }
}
