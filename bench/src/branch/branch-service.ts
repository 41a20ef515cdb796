/**
 * The service that both branches of every saga call: responds to each request at once with success.
 */
export interface BranchService {
  /** Display name, such as `nginx 1.22.1`. */
  readonly name: string;
  /**
   * What the URLs of its branches begin with: an origin such as `http://127.0.0.1:4711`, or the
   * server and service of gRPC, such as `127.0.0.1:4711/bench.Bank`; every name succeeds.
   */
  readonly origin: string;
  readonly pid: number;
}

/** The response to every request. */
export const BRANCH_RESPONSE = '{"dtm_result":"SUCCESS"}';
