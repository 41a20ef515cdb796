import type {
  AbortRequest,
  BranchRegistrationRequest,
  BranchResult,
  Op,
  ParkRequest,
  Pattern,
  Status,
  SubmitRequest,
  TopicPage,
  TransactionDetails,
  TransactionPage,
  TransactionReply,
  TransactionRequest,
  WorkflowEnd,
  WorkflowProgress,
} from '@holdfast/protocol';
import type { RequestRejected } from '../errors.ts';

/**
 * What the SDK asks of a coordinator. Everything above it (sagas, messages, waiting) is the same whether the coordinator is reached over HTTP or
 * runs in this process.
 */
export interface Api {
  /** Saves a transaction as prepared or submitted; with `waitUntilMs`, answers when it is final or that moment has come. */
  create(request: TransactionRequest & { readonly gid: string }, call: ApiCall): Promise<Answer<TransactionReply>>;
  /**
   * Turns a prepared transaction into submitted. `request` names the branches that this run of a
   * tcc or xa called.
   */
  submitPrepared(gid: string, request: SubmitRequest, call: ApiCall): Promise<Answer<TransactionReply>>;
  /** Registers a branch of a prepared tcc, xa or workflow transaction. Repeated alike: changes nothing. */
  registerBranch(gid: string, registration: BranchRegistrationRequest, call: ApiCall): Promise<Answer<void>>;
  /** What a workflow has recorded. */
  workflowProgress(gid: string, call: ApiCall): Promise<Answer<WorkflowProgress>>;
  /** Ends a workflow: only its own code does. */
  finishWorkflow(gid: string, end: WorkflowEnd, call: ApiCall): Promise<Answer<TransactionReply>>;
  /** Parks a workflow, for its own code, which found records that it did not make. */
  parkWorkflow(gid: string, order: ParkRequest, call: ApiCall): Promise<Answer<TransactionReply>>;
  /**
   * The code of a workflow is running here: no callback before its interval has passed. A rejection
   * without a gid: this coordinator takes no heartbeats.
   */
  heartbeat(gid: string, call: ApiCall): Promise<Answer<void>>;
  /** Makes one call of a branch from this process, as the initiator of a tcc, xa or workflow does: not repeated. */
  callBranch(request: InitiatorCall): Promise<InitiatorCallResult>;
  get(gid: string, call: ApiCall): Promise<Answer<TransactionDetails>>;
  list(query: ListQuery, call: ApiCall): Promise<Answer<TransactionPage>>;
  abort(gid: string, order: AbortRequest, call: ApiCall): Promise<Answer<TransactionDetails>>;
  retry(gid: string, call: ApiCall): Promise<Answer<TransactionDetails>>;
  topics(query: { readonly cursor?: string; readonly limit?: number }, call: ApiCall): Promise<Answer<TopicPage>>;
  subscribe(topic: string, url: string, remark: string, call: ApiCall): Promise<Answer<void>>;
  unsubscribe(topic: string, url: string, call: ApiCall): Promise<Answer<void>>;
  deleteTopic(topic: string, call: ApiCall): Promise<Answer<void>>;
  close(): Promise<void>;
  /** URL of the coordinator, as participants of XA are told it; undefined when it cannot be reached over the network. */
  readonly url: string | undefined;
}

/** A call of a branch by the code that runs the transaction, with what a coordinator's call would carry. */
export interface InitiatorCall {
  readonly gid: string;
  readonly pattern: Pattern;
  readonly branchId: string;
  readonly op: Op;
  readonly url: string;
  /** JSON value; undefined: no body. */
  readonly payload: unknown;
  readonly headers: Readonly<Record<string, string>>;
  /** Added to the URL's query beside `gid`, `trans_type`, `branch_id` and `op`. */
  readonly query?: Readonly<Record<string, string>>;
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
}

export interface InitiatorCallResult {
  readonly result: BranchResult;
  /** What the branch's handler returned, a participant of this SDK or a function; else what was answered, parsed if it is JSON, else its text. */
  readonly body: unknown;
}

export interface ApiCall {
  /** Until when (`performance.now()`) the coordinator may hold the answer back because the transaction is not final. */
  readonly waitUntilMs?: number;
  /** How long to go on trying; default: the client's. */
  readonly retryForMs?: number;
  readonly signal?: AbortSignal | undefined;
}

/** A rejection is a value here, because what it means depends on whether an earlier try may have been carried out. */
export type Answer<T> =
  | { readonly ok: true; readonly value: T }
  | {
      readonly ok: false;
      readonly rejection: RequestRejected;
      /** An earlier try of this very call was sent and its answer was lost: it may be what the coordinator refuses to do again. */
      readonly repeated: boolean;
    };

/** Which transactions to list, newest first. */
export interface ListQuery {
  readonly gid?: string;
  readonly status?: Status;
  readonly pattern?: Pattern;
  /** Only those that need a person. */
  readonly attention?: boolean;
  readonly createdFromMs?: number;
  readonly createdToMs?: number;
  /** `next` of the previous page. */
  readonly cursor?: string;
  readonly limit?: number;
}
