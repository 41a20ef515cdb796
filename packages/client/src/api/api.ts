import type {
  Pattern,
  Status,
  TransactionDetails,
  TransactionPage,
  TransactionReply,
  TransactionRequest,
} from '@holdfast/protocol';
import type { RequestRejected } from '../errors.ts';

/**
 * What the SDK asks of a coordinator. Everything above it (sagas, messages, waiting) is the same whether the coordinator is reached over HTTP or
 * runs in this process.
 */
export interface Api {
  /** Saves a transaction as prepared or submitted; with `waitUntilMs`, answers when it is final or that moment has come. */
  create(request: TransactionRequest & { readonly gid: string }, call: ApiCall): Promise<Answer<TransactionReply>>;
  submitPrepared(gid: string, call: ApiCall): Promise<Answer<TransactionReply>>;
  get(gid: string, call: ApiCall): Promise<Answer<TransactionDetails>>;
  list(query: ListQuery, call: ApiCall): Promise<Answer<TransactionPage>>;
  abort(gid: string, reason: string | undefined, call: ApiCall): Promise<Answer<TransactionDetails>>;
  retry(gid: string, call: ApiCall): Promise<Answer<TransactionDetails>>;
  close(): Promise<void>;
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
