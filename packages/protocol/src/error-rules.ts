import type { ErrorCode } from './errors.ts';

/** How one error code appears on each transport, and how a client reacts to it. */
export interface ErrorRule {
  /** HTTP status on `/api/v1`, and on dtm's REST unless `dtm` is FAILURE (then 409). */
  readonly httpStatus: number;
  /** Title of the problem details. */
  readonly title: string;
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

const rejected = (httpStatus: number, title: string): ErrorRule & { readonly reaction: 'reject' } => ({
  httpStatus,
  title,
  dtm: 'UNKNOWN',
  reaction: 'reject',
});

const contradicted = (title: string): ErrorRule & { readonly reaction: 'reject' } => ({
  ...rejected(409, title),
  dtm: 'FAILURE',
});

const repeatable = (httpStatus: number, title: string): ErrorRule & { readonly reaction: 'repeat' } => ({
  ...rejected(httpStatus, title),
  reaction: 'repeat',
});

/** The only table of error codes: transports and clients derive statuses and reactions from it. */
export const ERROR_RULES = {
  invalid: rejected(400, 'The request is wrong'),
  unauthenticated: rejected(401, 'The caller is not authenticated'),
  forbidden: rejected(403, 'The caller lacks the permission'),
  not_found: rejected(404, 'There is no such thing'),
  refused: contradicted('The transaction does not allow it'),
  exists: contradicted('The gid belongs to another transaction'),
  wrong_pattern: contradicted('The transaction has another pattern'),
  too_large: rejected(413, 'A limit is exceeded'),
  internal: { ...rejected(500, 'An internal error of the coordinator'), reaction: 'bug' },
  unavailable: repeatable(503, 'Not possible now'),
  overloaded: repeatable(503, 'Too much at once'),
  deadline_exceeded: repeatable(504, 'The deadline has passed'),
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
