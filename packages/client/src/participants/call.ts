import { LIMITS, type Op, type Pattern, PATTERNS, type UrlCoordinates } from '@holdfast/protocol';
import type { VerifyOptions } from '@holdfast/protocol/signing';
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
  /** All query parameters of the call; over gRPC its metadata `dtm-…`, by the rest of the name. */
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
   * Called for every call that ends with an error that is not a business result: any error except
   * `BranchFailure` and `BranchOngoing`, a call that cannot be read (without `call`), and a
   * returned value that cannot be sent as JSON. Log the error here. Errors and rejections of this
   * function are ignored. A value that cannot be read (a proxy whose traps throw) is replaced by an
   * error. Default: an error of the handler or of `parse` becomes a warning of the process with its
   * stack, which Node prints on stderr.
   */
  readonly onError?: (error: unknown, call?: BranchCallContext) => unknown;
}

/** Options of everything that a coordinator calls. */
export interface ServeOptions extends ErrorOptions {
  /**
   * Accept only calls that a coordinator has signed (`--signing-key-file`), each once: a call that
   * is not signed so, or not now, or that was received before, receives a 401 response (over gRPC
   * UNAUTHENTICATED), and its handler does not run. Branches that share this object share its
   * memory of the calls received. Default: every call is accepted.
   */
  readonly verify?: VerifyOptions;
}

export interface BranchOptions<Payload> extends ServeOptions {
  /**
   * The declaration that the initiator uses, too: determines the type of the payload and, if it has
   * one, the default of `parse`.
   */
  readonly of?: BranchDeclaration<Payload>;
  /**
   * Validates the body and determines its type, for example a schema's `parse`. If it throws, the
   * response is 400. Default: `parse` of the declaration in `of`, or else the body is not
   * validated.
   */
  readonly parse?: (body: unknown) => Payload;
}

/** Options for frameworks that leave reading the body to the participant. */
export interface BodyOptions {
  /**
   * A longer body receives a 413 response. Default: 1 MiB, the coordinator's limit for a payload.
   */
  readonly maxBodyBytes?: number;
}

/**
 * A call that cannot be read. Repeating the call cannot help, but only an operator can find the
 * cause, so the coordinator treats the result as UNKNOWN.
 */
export class BadBranchCall extends Error {
  override readonly name = 'BadBranchCall';
  readonly httpStatus: 400 | 401 | 405 | 413;

  constructor(httpStatus: 400 | 401 | 405 | 413, message: string, options?: { readonly cause?: unknown }) {
    super(message, options);
    this.httpStatus = httpStatus;
  }
}

const LONGEST_BRANCH_ID = 64;

/** How errors name the parts of a call of one transport. */
export interface CallNames {
  /** The name of a coordinate, such as `query parameter gid`. */
  readonly of: (name: string) => string;
  /** What was called. */
  readonly called: string;
  /** Where else a coordinate may come from. */
  readonly source: string;
}

const HTTP_NAMES: CallNames = {
  of: (name) => `query parameter ${name}`,
  called: 'this URL',
  source: 'the URL of the branch',
};

/**
 * Reads the query parameters that the coordinator adds to the URL.
 *
 * @param which value of the header `URL_COORDINATES_HEADER`, if the call has it
 */
export function readBranchCall(
  query: URLSearchParams,
  which?: string,
  names: CallNames = HTTP_NAMES,
): Omit<BranchCallContext, 'payload'> {
  const from = which === 'first' || which === 'last' ? which : undefined;
  const read = (name: string, maxLength: number): string => required(query, name, maxLength, from, names);
  const gid = read('gid', LIMITS.gidLength);
  const transType = read('trans_type', LIMITS.gidLength);
  const branchId = read('branch_id', LONGEST_BRANCH_ID);
  const op = read('op', LIMITS.gidLength);
  if (!isPattern(transType)) throw new BadBranchCall(400, `trans_type is none of ${PATTERNS.join(', ')}`);
  return { gid, transType, branchId, op, query };
}

/**
 * The value of a query parameter, empty if absent. A parameter with several values, in any case of
 * its name, was added by another party beside the coordinator; a participant must not guess which
 * value is right.
 */
export function onlyValue(query: URLSearchParams, name: string, { of, source } = HTTP_NAMES): string {
  const value = query.get(name) ?? '';
  for (const [other, otherValue] of query)
    if (other.toLowerCase() === name && otherValue !== value)
      throw new BadBranchCall(400, `${of(name)} has several values: remove it from ${source}`);
  return value;
}

function required(
  query: URLSearchParams,
  name: string,
  maxLength: number,
  from: UrlCoordinates | undefined,
  names: CallNames,
): string {
  const { of, called } = names;
  const value =
    from === undefined ? onlyValue(query, name, names) : (query.getAll(name).at(from === 'first' ? 0 : -1) ?? '');
  if (value === '') throw new BadBranchCall(400, `${of(name)} is missing: ${called} is for a coordinator`);
  if (value.includes('\0')) throw new BadBranchCall(400, `${of(name)} has a NUL`);
  if (value.length > maxLength) throw new BadBranchCall(400, `${of(name)} exceeds ${maxLength} characters`);
  return value;
}

const isPattern = (text: string): text is Pattern => (PATTERNS as readonly string[]).includes(text);
