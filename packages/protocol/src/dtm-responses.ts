import type { BranchStatus, Pattern, Status } from './vocabulary.ts';

/**
 * Responses on dtm's wire. Empty texts, zeros and false are left out, as dtm's clients expect;
 * times are RFC 3339.
 */

export interface DtmResultResponse {
  readonly dtm_result: 'SUCCESS' | 'FAILURE' | 'ONGOING';
  readonly message?: string;
  /**
   * Current status, in the response to a caller that waited for a transaction that is not finished.
   */
  readonly status?: Status;
}

export interface DtmTransactionResponse {
  readonly gid: string;
  readonly trans_type: Pattern;
  readonly status: Status;
  readonly protocol: string;
  readonly steps?: readonly Readonly<Record<string, string>>[];
  readonly payloads?: readonly string[];
  readonly custom_data?: string;
  readonly query_prepared?: string;
  readonly rollback_reason?: string;
  readonly result?: string;
  /** The options as a JSON text; they are also fields of this object. */
  readonly options?: string;
  readonly wait_result?: boolean;
  readonly concurrent?: boolean;
  readonly timeout_to_fail?: number;
  readonly retry_interval?: number;
  readonly request_timeout?: number;
  readonly retry_limit?: number;
  readonly branch_headers?: Readonly<Record<string, string>>;
  readonly create_time: string;
  readonly update_time: string;
  readonly finish_time?: string;
  readonly rollback_time?: string;
  /** In seconds: the interval until the next attempt, which grows with failed attempts. */
  readonly next_cron_interval?: number;
  readonly next_cron_time?: string;
  readonly owner?: string;
}

export interface DtmBranchResponse {
  readonly gid: string;
  readonly url?: string;
  /** Base64. */
  readonly bin_data?: string;
  readonly branch_id: string;
  readonly op: string;
  readonly status: BranchStatus;
  readonly create_time: string;
  readonly update_time: string;
  readonly finish_time?: string;
}

/** One recorded step of a workflow. */
export interface DtmProgressResponse {
  readonly branch_id: string;
  readonly op: string;
  readonly status: BranchStatus;
  /** Base64. */
  readonly bin_data?: string;
}

export interface DtmKeyValueResponse {
  readonly cat: string;
  readonly k: string;
  readonly v: string;
  readonly version: number;
  readonly create_time: string;
  readonly update_time: string;
}
