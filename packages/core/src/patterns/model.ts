import type {
  BranchProtocol,
  BranchResult,
  BranchStatus,
  Op,
  Pattern,
  ResultKind,
  Status,
  TraceContext,
  TransactionKey,
} from '@holdfast/protocol';

/**
 * A transaction in the form that the patterns use: an immutable definition, a small state, and the
 * branches registered later.
 */
export interface Transaction {
  readonly key: TransactionKey;
  readonly createdAtMs: number;
  readonly definition: Definition;
  /**
   * The options of this pass: those of the definition, or those of the submit call during its first
   * pass.
   */
  readonly options: TransactionOptions;
  readonly registered: readonly RegisteredBranch[];
  /** All ops in order, derived from definition and registrations (`branchesOf`). */
  readonly branches: readonly Branch[];
  readonly state: State;
  /** Indices into `branches` of the ops being called now. In memory only. */
  readonly running: readonly number[];
  /**
   * Whether a query to the client (check-back of a message, callback of a workflow) is running. In
   * memory only.
   */
  readonly checking: boolean;
  /**
   * The last result of this pass other than SUCCESS, which is returned to callers that wait. In
   * memory only.
   */
  readonly lastResult: BranchResult | undefined;
}

/** The content of a transaction; written once. */
export interface Definition {
  readonly pattern: Pattern;
  readonly protocol: BranchProtocol;
  readonly steps: readonly Step[];
  /** One per step (saga, msg): the body to send. */
  readonly payloads: readonly Uint8Array[];
  /** Unchanged from the client: dependencies of a saga, name and data of a workflow. */
  readonly customData: string;
  /** URL of a message's check-back, or of a workflow's callback. */
  readonly queryPrepared: string;
  readonly options: TransactionOptions;
  /** Saga: step index → indices of the steps that must succeed before it. */
  readonly orders: Readonly<Record<number, readonly number[]>>;
  /** Workflow: its name, and its input. */
  readonly workflowName: string;
  readonly workflowData: Uint8Array;
  /** ID of the principal that created the transaction; absent for an anonymous caller. */
  readonly createdBy?: string;
  /** The trace in which the transaction was created; absent if its caller sent none. */
  readonly trace?: TraceContext;
  /**
   * When another coordinator began the transaction, which was imported: its timeout counts from
   * then. Absent: from the creation of its record.
   */
  readonly startedAtMs?: number;
}

export interface Step {
  readonly action: string;
  readonly compensate: string;
  /** Message: the subscribers of the topic in `action` when the transaction was created. */
  readonly subscribers?: readonly string[];
  /** Overrides the transaction's request timeout for this step. */
  readonly requestTimeoutMs?: number;
}

/** 0 means not specified: the server's default applies. */
export interface TransactionOptions {
  readonly waitResult: boolean;
  readonly timeoutToFailMs: number;
  readonly retryIntervalMs: number;
  readonly requestTimeoutMs: number;
  readonly retryLimit: number;
  readonly branchHeaders: Readonly<Record<string, string>>;
  readonly concurrent: boolean;
  /**
   * A branch without a payload is also called by POST. dtm's wire requires GET; `/api/v1` always
   * sets this.
   */
  readonly alwaysPost: boolean;
  /** Message: delay between the submission and the start of the steps. */
  readonly delayMs: number;
}

/**
 * A branch that the client registered while the transaction was prepared (tcc, xa), or a recorded
 * step of a workflow.
 */
export interface RegisteredBranch {
  readonly branchId: string;
  readonly op: Op | (string & {});
  readonly url: string;
  readonly payload: Uint8Array;
  /** Workflow: the recorded outcome; `prepared` for other patterns. */
  readonly status: BranchStatus;
  /** XA: identifies the input of the action; absent: the initiator did not state it. */
  readonly digest?: string;
  readonly createdAtMs: number;
}

/**
 * One op of a branch, derived from definition and registrations, and identified within the
 * transaction by its index.
 */
export interface Branch {
  readonly branchId: string;
  readonly op: Op | (string & {});
  readonly url: string;
  readonly payload: Uint8Array;
  readonly requestTimeoutMs: number;
}

export interface BranchState {
  readonly status: BranchStatus;
  /** Whether the op was called at least once, as far as the writer of this state knew. */
  readonly started: boolean;
  /** Number of calls with a result, of any kind. */
  readonly attempts: number;
  /** Number of UNKNOWN results in a row, which determines the backoff. */
  readonly failures: number;
  /** Earliest next call, engine time; 0: at once. */
  readonly nextAttemptAtMs: number;
  /** 0 while unfinished. */
  readonly finishedAtMs: number;
}

export interface State {
  readonly status: Status;
  readonly rollbackReason: string;
  /** Workflow: the result of its code (base64). */
  readonly result: string;
  /** One per element of `Transaction.branches`. */
  readonly branches: readonly BranchState[];
  /**
   * Whether ownership is unbroken. False after a crash before the decision: then it is unknown
   * which actions started.
   */
  readonly unbroken: boolean;
  /**
   * Claims that count in addition to those of the record, although the record was released: the
   * transaction may have crashed the nodes that drove it. 0 after a result.
   */
  readonly suspicion: number;
  /** Saga: the set to compensate, stored with the decision to abort. */
  readonly compensate: readonly number[];
  /** Number of failed attempts since the last progress, over all branches and queries. */
  readonly retries: number;
  /** Number of retries that count towards `retryLimit`. */
  readonly limitedRetries: number;
  /** Message: time before which no step starts. 0: no delay. */
  readonly notBeforeMs: number;
  /**
   * Time of the next query to the client (message, workflow), and number of UNKNOWN results in a
   * row.
   */
  readonly nextCheckAtMs: number;
  readonly checkFailures: number;
  /**
   * Workflow: when the last heartbeat of its client was stored. 0: its client sends none, or the
   * last one has already delayed a callback.
   */
  readonly heartbeatAtMs: number;
  /** Whether the transaction needs operator attention (until it makes progress). */
  readonly attention: boolean;
  /**
   * Whether an alert was raised that no hook has acknowledged: it is raised again when the
   * transaction is resumed.
   */
  readonly alertDue: boolean;
  /** Why the transaction is parked until an operator retries it; empty if it is not parked. */
  readonly parked: string;
  /**
   * Why an operator force-stopped the transaction; empty if not stopped. Effects of its branches
   * may remain.
   */
  readonly stopped: string;
  /**
   * Why the record could not be decoded when an operator force-stopped the transaction: the effects
   * of its branches are unknown. In a view, also why the record of any other finished transaction
   * cannot be decoded. Otherwise empty.
   */
  readonly damaged: string;
  readonly submittedAtMs: number;
  readonly rollbackAtMs: number;
  readonly finishedAtMs: number;
  readonly timeline: readonly TimelineEntry[];
  /** Number of entries omitted between the first and the last half to keep the timeline bounded. */
  readonly timelineOmitted: number;
}

/**
 * One line of a transaction's history. Times are engine time, ms since the epoch. `by`: the ID of
 * the principal whose command caused the line; absent if no command did, or an anonymous one.
 */
export type TimelineEntry =
  | {
      readonly kind: 'status';
      readonly atMs: number;
      readonly status: Status;
      readonly reason: string;
      readonly by?: string;
    }
  | {
      readonly kind: 'call';
      /** When the result was received. */
      readonly atMs: number;
      readonly durationMs: number;
      readonly branchId: string;
      readonly op: string;
      readonly result: ResultKind;
      readonly reason: string;
      /** 1 for the first call. */
      readonly attempt: number;
      /** When the op is called again; 0: never. */
      readonly retryAtMs: number;
      /**
       * Number of calls in a row with the same result that this line represents; the line is about
       * the last one. Absent: 1.
       */
      readonly count?: number;
      /** When the first of them got its response; absent if there is only one. */
      readonly firstAtMs?: number;
    }
  /**
   * `resumed`: taken over after its node went silent. `order`: an operator command. `parked`: not
   * driven until an operator retries it.
   */
  | {
      readonly kind: 'resumed' | 'order' | 'parked' | 'alert';
      readonly atMs: number;
      readonly detail: string;
      readonly by?: string;
    };
