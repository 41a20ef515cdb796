import type { ProblemDetails } from '@holdfast/protocol';

/**
 * An error response of the coordinator, or of a proxy in front of it. Never thrown itself: the
 * `cause` of the `RequestRejected`, `CoordinatorUnreachable` or `UnexpectedResponse` that the
 * response leads to.
 */
export class ErrorResponse extends Error {
  override readonly name = 'ErrorResponse';
  readonly httpStatus: number;
  /** The coordinator's problem document; undefined: the body is another one, such as a proxy's. */
  readonly problem: ProblemDetails | undefined;
  /** The time after which the request may be repeated, in ms, if the response states one. */
  readonly retryAfterMs: number | undefined;

  constructor(httpStatus: number, problem: ProblemDetails | undefined, retryAfterMs?: number) {
    super(problem?.detail ?? `HTTP ${httpStatus} of another program, such as a proxy`);
    this.httpStatus = httpStatus;
    this.problem = problem;
    this.retryAfterMs = problem?.retryAfterMs ?? retryAfterMs;
  }
}
