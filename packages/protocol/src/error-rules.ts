import type { ErrorCode } from './errors.ts';
import { GRPC_STATUS } from './grpc/status.ts';

/** How one error code appears on each transport, and how a client reacts to it. */
export interface ErrorRule {
  /** HTTP status on `/api/v1`, and on dtm's REST unless `dtm` is FAILURE (then 409). */
  readonly httpStatus: number;
  /** Title of the problem details. */
  readonly title: string;
  /** Code over gRPC, on dtm's service unless `dtm` is FAILURE (then Aborted). */
  readonly grpcStatus: number;
  /**
   * On dtm's wire. FAILURE: the transaction, or its state, contradicts the request for good.
   * UNKNOWN: an error without a result.
   */
  readonly dtm: 'FAILURE' | 'UNKNOWN';
  /**
   * `reject`: the request is rejected, and repeating it cannot help. `repeat`: the same request may
   * be sent again, with the same gid. `bug`: report it.
   */
  readonly reaction: 'reject' | 'repeat' | 'bug';
}

const rejected = (
  httpStatus: number,
  grpcStatus: number,
  title: string,
): ErrorRule & { readonly reaction: 'reject' } => ({
  httpStatus,
  grpcStatus,
  title,
  dtm: 'UNKNOWN',
  reaction: 'reject',
});

const contradicted = (grpcStatus: number, title: string): ErrorRule & { readonly reaction: 'reject' } => ({
  ...rejected(409, grpcStatus, title),
  dtm: 'FAILURE',
});

const repeatable = (
  httpStatus: number,
  grpcStatus: number,
  title: string,
): ErrorRule & { readonly reaction: 'repeat' } => ({
  ...rejected(httpStatus, grpcStatus, title),
  reaction: 'repeat',
});

/** The only table of error codes: transports and clients derive statuses and reactions from it. */
export const ERROR_RULES = {
  invalid: rejected(400, GRPC_STATUS.invalidArgument, 'The request is wrong'),
  unauthenticated: rejected(401, GRPC_STATUS.unauthenticated, 'The caller is not authenticated'),
  forbidden: rejected(403, GRPC_STATUS.permissionDenied, 'The caller lacks the permission'),
  not_found: rejected(404, GRPC_STATUS.notFound, 'There is no such thing'),
  refused: contradicted(GRPC_STATUS.failedPrecondition, 'The transaction does not allow it'),
  exists: contradicted(GRPC_STATUS.alreadyExists, 'The gid belongs to another transaction'),
  wrong_pattern: contradicted(GRPC_STATUS.failedPrecondition, 'The transaction has another pattern'),
  too_large: rejected(413, GRPC_STATUS.resourceExhausted, 'A limit is exceeded'),
  internal: { ...rejected(500, GRPC_STATUS.internal, 'An internal error of the coordinator'), reaction: 'bug' },
  unavailable: repeatable(503, GRPC_STATUS.unavailable, 'Not possible now'),
  too_many_requests: repeatable(429, GRPC_STATUS.resourceExhausted, 'The caller sends too many requests'),
  overloaded: repeatable(503, GRPC_STATUS.resourceExhausted, 'Too much at once'),
  deadline_exceeded: repeatable(504, GRPC_STATUS.deadlineExceeded, 'The deadline has passed'),
} as const satisfies Readonly<Record<ErrorCode, ErrorRule>>;

/** Codes of a request that the coordinator understood and will not carry out. */
export type RejectionCode = {
  [Code in ErrorCode]: (typeof ERROR_RULES)[Code]['reaction'] extends 'reject' ? Code : never;
}[ErrorCode];

/** The type of the problem details of an error (RFC 9457). */
export const problemType = (code: ErrorCode): string => `urn:holdfast:problem:${code}`;

/**
 * The code of a rejection with this HTTP status and code; undefined if the response is not a
 * rejection. A code of a later version counts as the code that its status had before.
 */
export function rejectionCode(httpStatus: number, code: string): RejectionCode | undefined {
  if (isErrorCode(code)) return isRejectionCode(code) ? code : undefined;
  return REJECTION_OF_STATUS.get(httpStatus);
}

export const isRejectionCode = (code: ErrorCode): code is RejectionCode => ERROR_RULES[code].reaction === 'reject';

const isErrorCode = (code: string): code is ErrorCode => Object.hasOwn(ERROR_RULES, code);

/** Of several codes with one status, the first one in the table: the most general. */
const REJECTION_OF_STATUS: ReadonlyMap<number, RejectionCode> = new Map(
  (Object.keys(ERROR_RULES) as ErrorCode[])
    .filter(isRejectionCode)
    .map((code) => [ERROR_RULES[code].httpStatus, code] as const)
    .reverse(),
);
