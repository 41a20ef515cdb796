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
 * The requests of the SDK to a coordinator. The layers above (sagas, messages, waiting) are the
 * same whether the coordinator is reached over HTTP or runs in this process.
 */
export interface Api {
  /**
   * Saves a transaction as prepared or submitted. With `waitUntilMs`, resolves when it is final or
   * that time has come.
   */
  create(request: TransactionRequest & { readonly gid: string }, call: ApiCall): Promise<Answer<TransactionReply>>;
  /**
   * Turns a prepared transaction into submitted. `request` names the branches that this run of a
   * tcc or xa called.
   */
  submitPrepared(gid: string, request: SubmitRequest, call: ApiCall): Promise<Answer<TransactionReply>>;
  /**
   * Registers a branch of a prepared tcc, xa or workflow transaction. An identical repetition
   * changes nothing.
   */
  registerBranch(gid: string, registration: BranchRegistrationRequest, call: ApiCall): Promise<Answer<void>>;
  /** Reads the records of a workflow. */
  workflowProgress(gid: string, call: ApiCall): Promise<Answer<WorkflowProgress>>;
  /** Finishes a workflow; only its own code does so. */
  finishWorkflow(gid: string, end: WorkflowEnd, call: ApiCall): Promise<Answer<TransactionReply>>;
  /** Parks a workflow whose code found records that this code did not make. */
  parkWorkflow(gid: string, order: ParkRequest, call: ApiCall): Promise<Answer<TransactionReply>>;
  /**
   * Reports that the code of a workflow is running here, which postpones the callback by its
   * interval. A rejection without a gid means that this coordinator accepts no heartbeats.
   */
  heartbeat(gid: string, call: ApiCall): Promise<Answer<void>>;
  /**
   * Makes one call of a branch from this process, as the initiator of a tcc, xa or workflow. Not
   * repeated.
   */
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
  /**
   * URL of the coordinator that participants of XA receive; undefined if it cannot be reached over
   * the network.
   */
  readonly url: string | undefined;
}

/**
 * A call of a branch by the code that runs the transaction, with the fields of a coordinator's
 * call.
 */
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
  /**
   * What the branch's handler returned, for a participant of this SDK or a function; otherwise the
   * response, parsed if it is JSON, else its text.
   */
  readonly body: unknown;
}

export interface ApiCall {
  /**
   * Until when (`performance.now()`) the coordinator may hold the response back because the
   * transaction is not final.
   */
  readonly waitUntilMs?: number;
  /** How long to repeat the call; default: the client's setting. */
  readonly retryForMs?: number;
  readonly signal?: AbortSignal | undefined;
}

/**
 * A rejection is a value here, because its meaning depends on whether an earlier attempt may have
 * been carried out.
 */
export type Answer<T> =
  | { readonly ok: true; readonly value: T }
  | {
      readonly ok: false;
      readonly rejection: RequestRejected;
      /**
       * Whether an earlier attempt of this call was sent and its response was lost: the coordinator
       * may reject the repetition for that reason.
       */
      readonly repeated: boolean;
    };

/** Which transactions to list, newest first. */
export interface ListQuery {
  readonly gid?: string;
  readonly status?: Status;
  readonly pattern?: Pattern;
  /** Only transactions that need operator attention. */
  readonly attention?: boolean;
  readonly createdFromMs?: number;
  readonly createdToMs?: number;
  /** `next` of the previous page. */
  readonly cursor?: string;
  readonly limit?: number;
}
