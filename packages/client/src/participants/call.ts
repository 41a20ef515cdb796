import { LIMITS, type Op, type Pattern, PATTERNS, type UrlCoordinates } from '@holdfast/protocol';
import type { BranchDeclaration } from '../branch-declaration.ts';

/** One call of the coordinator, as the participant's code sees it. */
export interface BranchCallContext<Payload = unknown> {
  /** The global transaction this call belongs to. */
  readonly gid: string;
  readonly transType: Pattern;
  /** The branch; together with `gid` and `op` distinguishes a repeated call from a new one. */
  readonly branchId: string;
  /** The op: `action`, `compensate`, …; for a workflow, its name. */
  readonly op: Op | (string & {});
  /** The step's payload; undefined when it has none. */
  readonly payload: Payload;
  /** All query parameters of the call. */
  readonly query: URLSearchParams;
}

/**
 * The participant's work. Returning is success, throwing is not (`BranchFailure`, `BranchOngoing`,
 * others). A returned JSON value is sent to callers that read responses, such as the work of a tcc;
 * a coordinator ignores it.
 */
export type BranchHandler<Payload> = (call: BranchCallContext<Payload>) => unknown;

/**
 * As `BranchHandler`, behind a barrier: what it writes with `tx` happens at most once, in one local
 * transaction with the barrier's rows. The response to a repeated call has the value that the
 * barrier kept (see `BarrierOutcome`).
 */
export type BarrierHandler<Payload, Tx> = (call: BranchCallContext<Payload>, tx: Tx) => unknown;

/** The destination of errors that are not business results. */
export interface ErrorOptions {
  /**
   * Told about every call that ends in an error which is no answer of the business: anything thrown
   * but `BranchFailure` and `BranchOngoing`, and calls that cannot be read (without `call`). Also
   * about a returned value that cannot be told as JSON. The place for the log; what it throws, or
   * its promise is rejected with, is ignored. A value that cannot be read (a proxy whose traps
   * throw) is replaced by an error. Default: what the handler or `parse` threw becomes a warning of
   * the process with its stack, which Node prints on stderr.
   */
  readonly onError?: (error: unknown, call?: BranchCallContext) => unknown;
}

export interface BranchOptions<Payload> extends ErrorOptions {
  /**
   * The declaration that the initiator uses, too: gives the payload its type and, if it has one,
   * its `parse`.
   */
  readonly of?: BranchDeclaration<Payload>;
  /**
   * Checks the body and gives it its type, for example a schema's `parse`. What it throws is
   * answered with 400. Default: that of `of`, else the body as it came.
   */
  readonly parse?: (body: unknown) => Payload;
}

/** Of a framework that leaves it to the participant to read the body. */
export interface BodyOptions {
  /**
   * A longer body receives a 413 response. Default: 1 MiB, the coordinator's limit for a payload.
   */
  readonly maxBodyBytes?: number;
}

/**
 * A call that cannot be understood. Repeating it cannot help, but only an operator can tell why:
 * the coordinator treats it as unknown.
 */
export class BadBranchCall extends Error {
  override readonly name = 'BadBranchCall';
  readonly httpStatus: 400 | 405 | 413;

  constructor(httpStatus: 400 | 405 | 413, message: string, options?: { readonly cause?: unknown }) {
    super(message, options);
    this.httpStatus = httpStatus;
  }
}

const LONGEST_BRANCH_ID = 64;

/**
 * Reads what the coordinator adds to the URL.
 *
 * @param which value of the header `URL_COORDINATES_HEADER`, if the call has it
 */
export function readBranchCall(query: URLSearchParams, which?: string): Omit<BranchCallContext, 'payload'> {
  const from = which === 'first' || which === 'last' ? which : undefined;
  const gid = required(query, 'gid', LIMITS.gidLength, from);
  const transType = required(query, 'trans_type', LIMITS.gidLength, from);
  const branchId = required(query, 'branch_id', LONGEST_BRANCH_ID, from);
  const op = required(query, 'op', LIMITS.gidLength, from);
  if (!isPattern(transType)) throw new BadBranchCall(400, `trans_type is none of ${PATTERNS.join(', ')}`);
  return { gid, transType, branchId, op, query };
}

/**
 * The value of a query parameter, empty if absent. A parameter with several values, in any case of
 * its name, was added by another party beside the coordinator; a participant must not guess which
 * value is right.
 */
export function onlyValue(query: URLSearchParams, name: string): string {
  const value = query.get(name) ?? '';
  for (const [other, otherValue] of query)
    if (other.toLowerCase() === name && otherValue !== value)
      throw new BadBranchCall(400, `query parameter ${name} has several values: remove it from the URL of the branch`);
  return value;
}

function required(query: URLSearchParams, name: string, maxLength: number, from: UrlCoordinates | undefined): string {
  const value = from === undefined ? onlyValue(query, name) : (query.getAll(name).at(from === 'first' ? 0 : -1) ?? '');
  if (value === '') throw new BadBranchCall(400, `query parameter ${name} is missing: this URL is for a coordinator`);
  if (value.includes('\0')) throw new BadBranchCall(400, `query parameter ${name} has a NUL`);
  if (value.length > maxLength) throw new BadBranchCall(400, `query parameter ${name} exceeds ${maxLength} characters`);
  return value;
}

const isPattern = (text: string): text is Pattern => (PATTERNS as readonly string[]).includes(text);
