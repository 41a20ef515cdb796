import type {
  BranchResult,
  InputOf,
  Op,
  OperationName,
  Pattern,
  ResultOf,
  SecretFault,
  Status,
  TransactionDetails,
} from '@holdfast/protocol';
import type { RequestRejected } from '../errors.ts';
import type { WatchCall } from './watching.ts';

/** A stub for each operation of the coordinator. */
export type ApiCalls = {
  readonly [Name in OperationName]: (input: InputOf<Name>, call: ApiCall) => Promise<ApiResponse<ResultOf<Name>>>;
};

/**
 * The requests of the SDK to a coordinator. The layers above (sagas, messages, waiting) are the
 * same whether the coordinator is reached over HTTP or runs in this process.
 */
export interface Api extends ApiCalls {
  /**
   * Makes one call of a branch from this process, as the initiator of a tcc, xa or workflow. Not
   * repeated.
   */
  callBranch(request: InitiatorCall): Promise<InitiatorCallResult>;
  /** The header that such calls cannot have because its secret is missing; undefined: none. */
  secretFaultOf(headers: Readonly<Record<string, string>>): SecretFault | undefined;
  /**
   * The states of a transaction as they become durable, after a version, until the final one. Also
   * after the loss of a connection, each version is later than the one before. Throws
   * `RequestRejected`, and `CoordinatorUnreachable` after the call's time for retries.
   */
  watch(call: WatchCall): AsyncGenerator<TransactionDetails, void, undefined>;
  close(): Promise<void>;
  /**
   * URL of the coordinator that participants of XA receive over HTTP; undefined if it is not known,
   * or cannot be reached over the network.
   */
  readonly url: string | undefined;
  /** `host:port` of the coordinator that participants of XA receive over gRPC, if it is known. */
  readonly grpcAddress?: string;
}

/** The requests to a coordinator over the network. */
export interface ConnectedApi extends Api {
  /** Its URL, without credentials, for errors. */
  readonly name: string;
  /** Ends the calls in progress: their outcomes are unknown. */
  destroy(): Promise<void>;
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
  /** JSON value, or bytes that are sent as they are; undefined: none. */
  readonly payload: unknown;
  readonly headers: Readonly<Record<string, string>>;
  /**
   * Added to the URL's query beside `gid`, `trans_type`, `branch_id` and `op`; over gRPC to the
   * metadata, with the prefix `dtm-`.
   */
  readonly query?: Readonly<Record<string, string>>;
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
}

export interface InitiatorCallResult {
  readonly result: BranchResult;
  /**
   * What the branch's handler returned, for a participant of this SDK or a function; otherwise the
   * response: over HTTP parsed if it is JSON, else its text; over gRPC the bytes of its message.
   */
  readonly body: unknown;
}

export interface ApiCall {
  /**
   * Until when (`performance.now()`) the coordinator may hold the response back because the
   * transaction is not final.
   */
  readonly waitUntilMs?: number;
  /** When (`performance.now()`) the call ends at the latest, with its repeats and its wait. */
  readonly endsMs?: number | undefined;
  /** How long to repeat the call; default: the client's setting. */
  readonly retryForMs?: number;
  readonly signal?: AbortSignal | undefined;
  /**
   * A rejection has the gid only if the coordinator states it: one without comes from a coordinator
   * that does not have the operation.
   */
  readonly onlyStatedGid?: true;
}

/**
 * A rejection is a value here, because its meaning depends on whether an earlier attempt may have
 * been carried out.
 */
export type ApiResponse<T> =
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
