/** The service that both branches of every saga call: answers each request at once with success. */
export interface BranchService {
  /** For people, such as `nginx 1.22.1`. */
  readonly name: string;
  /** Such as `http://127.0.0.1:4711`; every path answers. */
  readonly origin: string;
  readonly pid: number;
}

/** What it answers to every request. */
export const BRANCH_ANSWER = '{"dtm_result":"SUCCESS"}';
