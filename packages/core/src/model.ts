import type {
  BranchProtocol,
  BranchResult,
  BranchStatus,
  Op,
  Pattern,
  ResultKind,
  Status,
  TransactionKey,
} from '@holdfast/protocol';

/**
 * A transaction as the patterns see it: an immutable definition, a small state, and what was registered later.
 */
export interface Transaction {
  readonly key: TransactionKey;
  readonly createdAtMs: number;
  readonly definition: Definition;
  /** The options that govern this pass: those of the definition, or those of the submit call during its first pass. */
  readonly options: TransactionOptions;
  readonly registered: readonly RegisteredBranch[];
  /** All ops in their order, derived from definition and registrations (`branchesOf`). */
  readonly branches: readonly Branch[];
  readonly state: State;
  /** Indices into `branches` of the ops being called now. In memory only. */
  readonly running: readonly number[];
  /** The client is being asked now (check-back of a message, call-back of a workflow). In memory only. */
  readonly checking: boolean;
  /** The last answer of this pass that was not a success: what a caller who waits is told. In memory only. */
  readonly lastResult: BranchResult | undefined;
}

/** Says what a transaction is; written once. */
export interface Definition {
  readonly pattern: Pattern;
  readonly protocol: BranchProtocol;
  readonly steps: readonly Step[];
  /** One a step (saga, msg): the body to send. */
  readonly payloads: readonly Uint8Array[];
  /** As the client sent it: orders of a saga, name and data of a workflow. */
  readonly customData: string;
  /** URL that answers whether a message's local transaction was committed, or that resumes a workflow. */
  readonly queryPrepared: string;
  readonly options: TransactionOptions;
  /** Saga: step index → indices of the steps that must have succeeded before it. */
  readonly orders: Readonly<Record<number, readonly number[]>>;
  /** Workflow: its name, and its input. */
  readonly workflowName: string;
  readonly workflowData: Uint8Array;
}

export interface Step {
  readonly action: string;
  readonly compensate: string;
  /** Message: the subscribers of the topic that `action` names, as they were when the transaction was created. */
  readonly subscribers?: readonly string[];
  /** Overrides the transaction's request time-out for this step. */
  readonly requestTimeoutMs?: number;
}

/** 0 means "not said": the server's default applies. */
export interface TransactionOptions {
  readonly waitResult: boolean;
  readonly timeoutToFailMs: number;
  readonly retryIntervalMs: number;
  readonly requestTimeoutMs: number;
  readonly retryLimit: number;
  readonly branchHeaders: Readonly<Record<string, string>>;
  readonly concurrent: boolean;
  /** A branch without a payload is called by POST as well. dtm's wire demands GET, `/api/v1` always sets this. */
  readonly alwaysPost: boolean;
  /** Message: the steps start so long after the submit. */
  readonly delayMs: number;
}

/** A branch that the client registered while the transaction ran (tcc, xa), or a recorded step of a workflow. */
export interface RegisteredBranch {
  readonly branchId: string;
  readonly op: Op | (string & {});
  readonly url: string;
  readonly payload: Uint8Array;
  /** Workflow: the recorded outcome; `prepared` for the others. */
  readonly status: BranchStatus;
  /** XA: identifies what the action was called with; absent: its initiator did not state it. */
  readonly digest?: string;
  readonly createdAtMs: number;
}

/** One op of a branch, derived from definition and registrations; its index is its identity within the transaction. */
export interface Branch {
  readonly branchId: string;
  readonly op: Op | (string & {});
  readonly url: string;
  readonly payload: Uint8Array;
  readonly requestTimeoutMs: number;
}

export interface BranchState {
  readonly status: BranchStatus;
  /** It was called at least once, as far as this state's writer knows. */
  readonly started: boolean;
  /** Calls that were answered, whatever the answer. */
  readonly attempts: number;
  /** UNKNOWN answers in a row: what the back-off grows with. */
  readonly failures: number;
  /** Earliest next call, engine time; 0: at once. */
  readonly nextAttemptAtMs: number;
  /** 0 while unfinished. */
  readonly finishedAtMs: number;
}

export interface State {
  readonly status: Status;
  readonly rollbackReason: string;
  /** Workflow: what its code returned (base64). */
  readonly result: string;
  /** One per element of `Transaction.branches`. */
  readonly branches: readonly BranchState[];
  /** False once possession was broken by a crash before the decision: then what was started is not known. */
  readonly unbroken: boolean;
  /**
   * Claims that count beside those of the record, although the record was released: the transaction may be what ended
   * the nodes that drove it. 0 after a result.
   */
  readonly suspicion: number;
  /** Saga: steps to compensate, stored with the decision to abort. */
  readonly compensate: readonly number[];
  /** Failed attempts since the last progress, over all branches and questions. */
  readonly retries: number;
  /** Retries that `retryLimit` counts. */
  readonly limitedRetries: number;
  /** Message: steps do not start before. 0: no delay. */
  readonly notBeforeMs: number;
  /** Next question to the client (message, workflow), and how many went unanswered in a row. */
  readonly nextCheckAtMs: number;
  readonly checkFailures: number;
  /**
   * Workflow: when the last heartbeat of its client was stored. 0: its client sends none, or a
   * callback was delayed for the sake of the last one.
   */
  readonly heartbeatAtMs: number;
  /** It needs a person (shown as such until it makes progress). */
  readonly attention: boolean;
  /** An alert was raised that no hook has acknowledged: it is raised again when the transaction is resumed. */
  readonly alertDue: boolean;
  /** Why it waits for a person and is not driven; empty while it is driven. */
  readonly parked: string;
  /** Why an operator force-stopped the transaction; empty if none did. Effects of its branches may remain. */
  readonly stopped: string;
  /**
   * Why the record could not be read when an operator force-stopped the transaction: what its
   * branches did is not known then. In a view also why the record of any other finished transaction
   * cannot be read. Else empty.
   */
  readonly damaged: string;
  readonly submittedAtMs: number;
  readonly rollbackAtMs: number;
  readonly finishedAtMs: number;
  readonly timeline: readonly TimelineEntry[];
  /** Entries that the bound left out, between the first and the last half. */
  readonly timelineOmitted: number;
}

/** One line of a transaction's history. Times are engine time, ms since the epoch. */
export type TimelineEntry =
  | { readonly kind: 'status'; readonly atMs: number; readonly status: Status; readonly reason: string }
  | {
      readonly kind: 'call';
      /** When the answer came. */
      readonly atMs: number;
      readonly durationMs: number;
      readonly branchId: string;
      readonly op: string;
      readonly result: ResultKind;
      readonly reason: string;
      /** 1 for the first call. */
      readonly attempt: number;
      /** When it is called again; 0 if it is not. */
      readonly retryAtMs: number;
      /**
       * The line stands for this number of calls in a row with the same result, of which it is the
       * last; absent: 1.
       */
      readonly count?: number;
      /** When the first of them got its response; absent: there is one. */
      readonly firstAtMs?: number;
    }
  /** `resumed`: taken over after its node went silent. `order`: a person's command. `parked`: waits for a person. */
  | { readonly kind: 'resumed' | 'order' | 'parked' | 'alert'; readonly atMs: number; readonly detail: string };
