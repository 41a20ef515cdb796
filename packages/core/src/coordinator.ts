import type { BranchProtocol, BranchStatus, Op, Pattern, ResultKind, Status } from '@holdfast/protocol';
import type { CallContext } from './call-context.ts';
import type { Branch, BranchState, Definition, State, Step, TransactionOptions } from './patterns/model.ts';
import type { KeyValue, MakeDueResult, Page, SessionId, SessionRow, StoreCounts } from './store/store.ts';

/**
 * The operations of a coordinator: the API's operations call this interface, which the engine
 * implements. Every method throws only `HoldfastError`.
 *
 * Methods that change a transaction return it as it was in this node's memory when the change
 * became durable.
 */
export interface Coordinator {
  /** A new, unique gid. */
  newGid(): string;

  /**
   * Stores a transaction as `prepared`. If the gid is `prepared` already, nothing changes. Throws
   * `refused` if the gid exists in another status, or has different content (with the `field` that
   * differs). Workflows use `prepareWorkflow` instead.
   */
  prepare(context: CallContext, input: TransactionInput): Promise<TransactionView>;

  /**
   * Stores a transaction as `submitted` (or changes the prepared one to it) and drives it. With
   * `options.waitResult` it resolves after one full pass, otherwise as soon as the transaction is
   * durable. A submitted transaction is driven again from its current state; a succeeded one is not
   * an error. Throws `refused` if the gid is aborting or failed, or has different content (with the
   * `field` that differs).
   */
  submit(context: CallContext, input: TransactionInput): Promise<PassOutcome>;

  /**
   * Whether `prepare` (and `prepareWorkflow`) or `submit` with this input would only repeat what is
   * stored: the transaction exists, has the same content, and would keep its headers. For inputs
   * that the rules have forbidden since. Reads the transaction.
   */
  repeats(context: CallContext, input: TransactionInput, kind: 'prepared' | 'submitted'): Promise<boolean>;

  /**
   * Changes a prepared transaction to submitted, whatever its content; repetition is not an error.
   * Throws `refused` if it is aborting or failed, or `not_found`.
   *
   * `branches`, for a tcc or xa: the branches that the caller's run called. A prepared transaction
   * with other branches becomes aborting instead; one that was submitted with others throws
   * `refused` with the field `branches`.
   */
  submitPrepared(context: CallContext, input: SubmitPreparedInput): Promise<TransactionView>;

  /**
   * Finishes a prepared workflow. Throws `refused` unless it is prepared (or aborting, for
   * `failed`). Finishing it again with the same status is not an error.
   */
  finishWorkflow(context: CallContext, input: FinishWorkflowInput): Promise<TransactionView>;

  /**
   * Changes a prepared tcc or xa, and a prepared workflow, to `aborting`, and a prepared message to
   * `failed`; repetition is not an error. `byOperator`: also a submitted saga, whose started steps
   * are then compensated. `waitResult`: resolves after one full pass of cancels or rollbacks.
   * Throws `refused` or `not_found`.
   */
  abort(context: CallContext, input: AbortInput): Promise<TransactionView>;

  /**
   * Registers ops of a branch (tcc: cancel and confirm; xa: rollback and commit; workflow: one
   * recorded outcome). Repeating a registration changes nothing; a workflow step repeated with a
   * different outcome, or a branch of a tcc or xa with a different call, throws `refused`. Allowed
   * only while `prepared` (workflow: or `aborting`), and only for a transaction of that pattern.
   *
   * `strict`, for Holdfast's SDK: a different URL or payload under the same name also throws
   * `refused`, so that the result of a workflow's step is part of its outcome; and while a workflow
   * is `aborting` only rollbacks are accepted, so that after the decision to abort it is known
   * which steps may have run.
   */
  registerBranch(context: CallContext, input: RegisterBranchInput): Promise<void>;

  /**
   * Creates a workflow as `prepared`, or finds the existing one; resolves to its progress. Throws
   * `refused` if it has a different name or input, with the `field`.
   */
  prepareWorkflow(context: CallContext, input: TransactionInput): Promise<TransactionView>;

  /**
   * Parks a workflow, for code that finds records of different code. Throws `refused` if it is
   * finished or not a workflow, or `not_found`.
   */
  parkWorkflow(context: CallContext, input: ParkWorkflowInput): Promise<TransactionView>;

  /**
   * A run of a workflow's code is alive in some process: the workflow is not called back before its
   * retry interval has passed. While a node is calling back, the heartbeat has no effect. Throws
   * `refused` if the transaction is finished or not a workflow, or `not_found`.
   */
  heartbeat(context: CallContext, gid: string): Promise<void>;

  /** Interval at which the client of this workflow should send heartbeats, in ms. */
  heartbeatPeriodMs(workflow: Pick<TransactionView, 'definition'>): number;

  /**
   * Force-stops an unfinished transaction: it becomes `failed` and is never driven again. Throws
   * `refused` if it is finished, or `not_found`.
   */
  forceStop(context: CallContext, stop: ForceStopInput): Promise<TransactionView>;
  /**
   * Drives a transaction again at once, also if it is parked. Throws `refused` if it is finished,
   * or `not_found`.
   */
  retryNow(context: CallContext, gid: string): Promise<TransactionView>;
  /** Makes unfinished transactions that are due later than `laterThanMs` from now due at once. */
  retryWaiting(context: CallContext, input: RetryWaitingInput): Promise<MakeDueResult>;

  get(context: CallContext, gid: string): Promise<TransactionView | undefined>;
  list(context: CallContext, query: TransactionQuery): Promise<Page<TransactionView>>;
  /**
   * Throws `overloaded` if the maximum number of callers is waiting. Called before the change for
   * which a caller will wait is made durable.
   */
  assertMayWait(gid: string): void;
  /**
   * Resolves when the transaction is finished, or after `timeoutMs` with its current state,
   * whichever node drives it. Throws `not_found`.
   */
  wait(context: CallContext, gid: string, timeoutMs: number): Promise<TransactionView>;
  /**
   * The states of transactions as they become durable, whichever node drives them: for each its
   * state at once, if it is newer than what the caller has, then later ones. Only the latest state
   * counts: those that became durable while the caller handled another one may be left out, except
   * for the final one. Ends after the final states of all transactions, also of those that the
   * caller has, or when the context's signal aborts. Throws `not_found`, also for a transaction
   * that was purged since, `overloaded`, `too_many_requests` if the caller or its connection
   * watches too many, and `unavailable` if the caller should watch again on another node.
   */
  watch(context: CallContext, input: WatchInput): AsyncIterable<TransactionView>;

  /**
   * Topics of messages: URLs to which a `topic://NAME` step fans out. Errors: `invalid` (empty),
   * `refused` (exists already), `not_found`.
   */
  subscribe(context: CallContext, input: SubscribeInput): Promise<void>;
  unsubscribe(context: CallContext, input: UnsubscribeInput): Promise<void>;
  deleteTopic(context: CallContext, topic: string): Promise<void>;
  /**
   * Versioned key-values for dtm's `scanKV` and `queryKV`; the category `topics` contains JSON
   * texts of `[{url, remark}]`.
   */
  scanKeyValues(context: CallContext, query: CategoryQuery): Promise<Page<KeyValue>>;
  queryKeyValue(context: CallContext, query: CategoryKey): Promise<KeyValue | undefined>;

  counts(context: CallContext): Promise<StoreCounts>;
  /** The live nodes, and the time of the store that their times refer to. */
  nodes(context: CallContext): Promise<LivingNodes>;
  /** Figures of this node, without a query to the store. */
  load(): NodeLoad;
  /**
   * Queries the store; throws `unavailable` with the reason if this node should not receive
   * traffic.
   */
  ready(): Promise<void>;
}

export interface LivingNodes {
  readonly nowMs: number;
  readonly sessions: readonly SessionRow[];
}

/** See `Coordinator.submitPrepared`. */
export interface SubmitPreparedInput {
  readonly gid: string;
  readonly pattern: Pattern;
  readonly branches?: readonly string[];
  /** For a tcc: the caller's run, to which every nested branch must belong. */
  readonly run?: string;
}

/** See `Coordinator.finishWorkflow`. */
export interface FinishWorkflowInput {
  readonly gid: string;
  readonly status: 'succeed' | 'failed';
  readonly rollbackReason: string;
  readonly result: string;
}

/** See `Coordinator.abort`. */
export interface AbortInput {
  readonly gid: string;
  readonly pattern?: Pattern;
  readonly reason: string;
  readonly byOperator?: boolean;
  readonly waitResult?: boolean;
}

/** See `Coordinator.registerBranch`. */
export interface RegisterBranchInput {
  readonly gid: string;
  readonly pattern?: Pattern;
  readonly strict?: boolean;
  readonly branches: readonly BranchRegistration[];
}

/** See `Coordinator.parkWorkflow`. */
export interface ParkWorkflowInput {
  readonly gid: string;
  readonly reason: string;
}

/** See `Coordinator.forceStop`. */
export interface ForceStopInput {
  readonly gid: string;
  readonly reason: string;
}

/** See `Coordinator.retryWaiting`. */
export interface RetryWaitingInput {
  readonly laterThanMs: number;
  readonly limit: number;
}

/** See `Coordinator.watch`. */
export interface WatchInput {
  /** Each gid once. `afterVersion`: the version that the caller has. */
  readonly transactions: readonly { readonly gid: string; readonly afterVersion?: number | undefined }[];
}

/** See `Coordinator.subscribe`. */
export interface SubscribeInput {
  readonly topic: string;
  readonly url: string;
  readonly remark: string;
}

/** See `Coordinator.unsubscribe`. */
export interface UnsubscribeInput {
  readonly topic: string;
  readonly url: string;
}

/** See `Coordinator.scanKeyValues`. */
export interface CategoryQuery {
  readonly category: string;
  readonly cursor?: string;
  readonly limit: number;
}

/** Names one key-value of a category in the namespace of the call. */
export interface CategoryKey {
  readonly category: string;
  readonly key: string;
}

/** A transaction in the form that a client sends; missing fields take their defaults. */
export interface TransactionInput {
  readonly gid: string;
  readonly pattern: Pattern;
  readonly protocol?: BranchProtocol;
  readonly steps?: readonly Step[];
  readonly payloads?: readonly Uint8Array[];
  readonly customData?: string;
  readonly queryPrepared?: string;
  readonly options?: Partial<TransactionOptions>;
  readonly orders?: Readonly<Record<number, readonly number[]>>;
  /**
   * Application group whose nodes may drive the transaction, if it cannot be derived from
   * `local://` branches: those of tcc, xa and workflow are registered later.
   */
  readonly group?: string;
  readonly workflowName?: string;
  /** Workflow: its client sends heartbeats. */
  readonly heartbeats?: boolean;
  readonly workflowData?: Uint8Array;
  /** The transaction must exist, and is not created: `not_found` otherwise. */
  readonly mustExist?: boolean;
}

export interface BranchRegistration {
  readonly branchId: string;
  readonly op: Op | (string & {});
  readonly url: string;
  readonly payload: Uint8Array;
  /** Workflow: the recorded outcome; `prepared` for other patterns. */
  readonly status: BranchStatus;
  /** XA: identifies the input of the action. TCC: see `nestedDigest`. */
  readonly digest?: string;
}

/** The result of a submit. */
export interface PassOutcome {
  readonly status: Status;
  /** False if the caller did not wait. */
  readonly waited: boolean;
  readonly rollbackReason: string;
  /** The result of the pass's last unsuccessful call, if the transaction is unfinished. */
  readonly lastResult: { readonly kind: ResultKind; readonly reason: string } | undefined;
  /** Why the transaction is parked, so that waiting for it is pointless; absent if not parked. */
  readonly parked?: string;
  /** The transaction as in this node's memory at that time, created on demand. */
  readonly view: () => TransactionView;
}

export interface TransactionQuery {
  readonly gid?: string;
  readonly status?: Status;
  readonly pattern?: Pattern;
  readonly attention?: boolean;
  readonly createdFromMs?: number;
  readonly createdToMs?: number;
  readonly cursor?: string;
  readonly limit: number;
  /** The views have no steps, payloads and branches, which are not read. */
  readonly summary?: boolean;
}

/** Everything that can be shown of a transaction. */
export interface TransactionView {
  readonly namespace: string;
  readonly gid: string;
  readonly pattern: Pattern;
  readonly status: Status;
  readonly version: number;
  readonly owner: SessionId | null;
  /** Due time; null while the transaction is in progress, finished or parked. */
  readonly dueAtMs: number | null;
  readonly attention: boolean;
  readonly createdAtMs: number;
  readonly updatedAtMs: number;
  readonly finishedAtMs: number | null;
  readonly definition: Definition;
  readonly state: State;
  readonly branches: readonly BranchView[];
}

export interface BranchView extends Branch, BranchState {
  readonly createdAtMs: number;
}

export interface NodeLoad {
  readonly session: SessionId;
  /** Number of transactions in progress on this node. */
  readonly inProgress: number;
  readonly callsRunning: number;
  readonly writesQueued: number;
  readonly waiters: number;
  /** Number of transactions that callers watch, each counted once for each caller. */
  readonly watched: number;
  readonly draining: boolean;
  /**
   * False if the last acknowledged heartbeat is too old: the node starts nothing until the store
   * responds again.
   */
  readonly leaseHeld: boolean;
}
