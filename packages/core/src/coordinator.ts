import type { BranchProtocol, BranchStatus, Op, Pattern, ResultKind, Status } from '@holdfast/protocol';
import type { Branch, BranchState, Definition, State, Step, TransactionOptions } from './model.ts';
import type { KeyValue, Page, SessionId, SessionRow, StoreCounts } from './store.ts';

/**
 * What a coordinator does for its callers: the transports' handler table and the embedding SDK stand on this interface. Every method throws
 * `HoldfastError` and nothing else.
 *
 * Methods that change a transaction return it as this node had it in memory when the change was durable.
 */
export interface Coordinator {
  /** A gid nobody used before. */
  newGid(): string;

  /**
   * Saves a transaction as `prepared`. The same gid in `prepared` already: nothing changes. Throws `refused` when the gid exists in another
   * status, and, with the `field` that differs, when it has other content. The workflow's first call uses `prepareWorkflow` instead.
   */
  prepare(context: CallContext, input: TransactionInput): Promise<TransactionView>;

  /**
   * Saves a transaction as `submitted` (or turns the prepared one into it) and drives it. With `options.waitResult` it answers after one full
   * pass, otherwise as soon as the transaction is durable. Submitted already: driven again from where it stands. Succeeded already: no
   * error. Throws `refused` when the gid is aborting or failed, and, with the `field` that differs, when it has other content.
   */
  submit(context: CallContext, input: TransactionInput): Promise<PassOutcome>;

  /**
   * Turns a prepared transaction, whatever its content, into submitted; repeated: no error. Throws
   * `refused` when it is aborting or failed, `not_found`.
   *
   * `branches`, of a tcc or xa: the branches that the caller's run called. A prepared transaction
   * with others becomes aborting instead; one that was submitted with others throws `refused` with
   * the field `branches`.
   */
  submitPrepared(
    context: CallContext,
    input: {
      readonly gid: string;
      readonly pattern: Pattern;
      readonly branches?: readonly string[];
      /** Of a tcc: the caller's run, which every nested branch must belong to. */
      readonly run?: string;
    },
  ): Promise<TransactionView>;

  /** Ends a prepared workflow. Throws `refused` unless it is prepared (or aborting, for `failed`). Ending it again alike is not an error. */
  finishWorkflow(
    context: CallContext,
    input: {
      readonly gid: string;
      readonly status: 'succeed' | 'failed';
      readonly rollbackReason: string;
      readonly result: string;
    },
  ): Promise<TransactionView>;

  /**
   * Turns tcc and xa (prepared) and workflows (prepared) to `aborting` and prepared messages to `failed`; repeated: no error.
   * `byOperator`: also a submitted saga, whose started steps are then compensated. `waitResult`: answers after one full pass of what undoes it.
   * Throws `refused` or `not_found`.
   */
  abort(
    context: CallContext,
    input: {
      readonly gid: string;
      readonly pattern?: Pattern;
      readonly reason: string;
      readonly byOperator?: boolean;
      readonly waitResult?: boolean;
    },
  ): Promise<TransactionView>;

  /**
   * Registers ops of a branch (tcc: cancel and confirm; xa: rollback and commit; workflow: one recorded outcome). Repeating one changes nothing;
   * a workflow step repeated with another outcome, or a branch of a tcc or xa with another call, throws `refused`. Only while `prepared` (workflow: or
   * `aborting`), and only for a transaction of that pattern.
   *
   * `strict`, for our own SDK: another URL or payload under the same name throws `refused`, too, so what a workflow's step gave is part of its outcome;
   * and of a workflow only a rollback is taken while `aborting`, so that from the decision to abort on it is known which steps may have run.
   */
  registerBranch(
    context: CallContext,
    input: {
      readonly gid: string;
      readonly pattern?: Pattern;
      readonly strict?: boolean;
      readonly branches: readonly BranchRegistration[];
    },
  ): Promise<void>;

  /** Creates a workflow as `prepared`, or finds it; answers its progress. Throws `refused` when it has another name or input, naming the `field`. */
  prepareWorkflow(context: CallContext, input: TransactionInput): Promise<TransactionView>;

  /**
   * For the code of a workflow that finds records it did not make: the workflow waits for a person. Throws `refused` when it is finished or no workflow,
   * `not_found`.
   */
  parkWorkflow(
    context: CallContext,
    input: { readonly gid: string; readonly reason: string },
  ): Promise<TransactionView>;

  /**
   * A run of a workflow's code is alive in some process: the workflow is not called back before its
   * retry interval has passed. While a node is calling back, the heartbeat has no effect. Throws
   * `refused` when the transaction is finished or not a workflow, `not_found`.
   */
  heartbeat(context: CallContext, gid: string): Promise<void>;

  /** How often the client of this workflow is to send a heartbeat, in ms. */
  heartbeatPeriodMs(workflow: Pick<TransactionView, 'definition'>): number;

  /** An unfinished transaction becomes `failed` and is never driven again. Throws `refused` when it is finished, `not_found`. */
  forceStop(context: CallContext, stop: { readonly gid: string; readonly reason: string }): Promise<TransactionView>;
  /** Drives it again at once, also when it is parked. Throws `refused` when it is finished, `not_found`. */
  retryNow(context: CallContext, gid: string): Promise<TransactionView>;
  /** Makes unfinished transactions that are due later than `laterThanMs` from now due at once. */
  retryWaiting(
    context: CallContext,
    input: { readonly laterThanMs: number; readonly limit: number },
  ): Promise<{ readonly count: number; readonly more: boolean }>;

  get(context: CallContext, gid: string): Promise<TransactionView | undefined>;
  list(context: CallContext, query: TransactionQuery): Promise<Page<TransactionView>>;
  /** Throws `overloaded` when as many callers wait as may. Checked before what a caller will wait for is made durable. */
  assertMayWait(gid: string): void;
  /** Answers when the transaction is final, or after `timeoutMs` with what it is then. Throws `not_found`. Whichever node drives it. */
  wait(context: CallContext, gid: string, timeoutMs: number): Promise<TransactionView>;

  /** Topics of messages: urls that a `topic://NAME` step fans out to. Errors: `invalid` (empty), `refused` (there already), `not_found`. */
  subscribe(
    context: CallContext,
    input: { readonly topic: string; readonly url: string; readonly remark: string },
  ): Promise<void>;
  unsubscribe(context: CallContext, input: { readonly topic: string; readonly url: string }): Promise<void>;
  deleteTopic(context: CallContext, topic: string): Promise<void>;
  /** Versioned key-values as dtm's `scanKV` and `queryKV` show them; the category `topics` holds JSON texts of `[{url, remark}]`. */
  scanKeyValues(
    context: CallContext,
    query: { readonly category: string; readonly cursor?: string; readonly limit: number },
  ): Promise<Page<KeyValue>>;
  queryKeyValue(
    context: CallContext,
    query: { readonly category: string; readonly key: string },
  ): Promise<KeyValue | undefined>;

  counts(context: CallContext): Promise<StoreCounts>;
  /** The nodes that live, and the time of the store by which they count. */
  nodes(context: CallContext): Promise<LivingNodes>;
  /** Figures of this node, without asking the store. */
  load(): NodeLoad;
  /** Asks the store; throws `unavailable` with the reason when this node should get no traffic. */
  ready(): Promise<void>;
}

export interface LivingNodes {
  readonly nowMs: number;
  readonly sessions: readonly SessionRow[];
}

/** Who calls, in which namespace, and how long they wait. */
export interface CallContext {
  readonly principal: string;
  readonly namespace: string;
  /** Aborts a wait (the caller hung up); the transaction goes on. */
  readonly signal?: AbortSignal;
}

/** A transaction as a client sends it; what is left out takes its default. */
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
   * Application group whose nodes may drive it, when that does not follow from its `local://` branches: those of tcc, xa and workflow are registered later.
   */
  readonly group?: string;
  readonly workflowName?: string;
  /** Workflow: its client sends heartbeats. */
  readonly heartbeats?: boolean;
  readonly workflowData?: Uint8Array;
}

export interface BranchRegistration {
  readonly branchId: string;
  readonly op: Op | (string & {});
  readonly url: string;
  readonly payload: Uint8Array;
  /** Workflow: the recorded outcome; `prepared` for the others. */
  readonly status: BranchStatus;
  /** XA: identifies what the action is called with. TCC: see `nestedDigest`. */
  readonly digest?: string;
}

/** What a submit knows when it answers. */
export interface PassOutcome {
  readonly status: Status;
  /** False when the caller did not wait. */
  readonly waited: boolean;
  readonly rollbackReason: string;
  /** How the last unsuccessful call of the pass was answered, when the transaction is unfinished. */
  readonly lastResult: { readonly kind: ResultKind; readonly reason: string } | undefined;
  /** Why the transaction is parked, so that waiting for it is of no use; absent if it is not. */
  readonly parked?: string;
  /** The transaction as this node knew it then, made when it is asked for. */
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
  /** The views come without steps, payloads and branches, which are not read. */
  readonly summary?: boolean;
}

/** Everything there is to show of a transaction. */
export interface TransactionView {
  readonly namespace: string;
  readonly gid: string;
  readonly pattern: Pattern;
  readonly status: Status;
  readonly version: number;
  readonly owner: SessionId | null;
  /** When it is driven next; null when it is being driven, finished or parked. */
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
  /** Transactions this node drives now. */
  readonly inProgress: number;
  readonly callsRunning: number;
  readonly writesQueued: number;
  readonly waiters: number;
  readonly draining: boolean;
  /** False when the last acknowledged heartbeat is too old: it starts nothing until the store answers again. */
  readonly leaseHeld: boolean;
}
