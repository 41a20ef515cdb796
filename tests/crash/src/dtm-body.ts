/** The fields of dtm's wire protocol that the clients of this test set, as in JSON over HTTP. */
export interface DtmBody {
  readonly gid: string;
  readonly trans_type: string;
  readonly steps?: readonly { readonly action: string; readonly compensate?: string }[];
  readonly payloads?: readonly string[];
  readonly query_prepared?: string;
  readonly custom_data?: string;
  readonly rollback_reason?: string;
  readonly concurrent?: boolean;
  readonly wait_result?: boolean;
  readonly timeout_to_fail?: number;
  readonly retry_interval?: number;
  readonly request_timeout?: number;
  readonly retry_limit?: number;
  /** Of a branch of a TCC. */
  readonly branch_id?: string;
  readonly data?: string;
  readonly confirm?: string;
  readonly cancel?: string;
}
