import { CoordinatorUnreachable, ErrorResponse, RequestRejected, UnexpectedResponse } from '@holdfast/client/api';
import { type ProblemDetails, textOfThrown, withField } from '@holdfast/protocol';
import { CommandError, EXIT } from '../commands/command-error.ts';
import { type CalledOperation, optionOf } from './option-names.ts';

/**
 * An error response of the coordinator, as problem details. The message names the option or
 * argument that the operator typed instead of the request's field.
 */
export class ApiProblem extends CommandError {
  readonly problem: ProblemDetails;

  constructor(operation: CalledOperation, problem: ProblemDetails, options: { readonly cause: unknown }) {
    super(problem.status >= 500 ? EXIT.unreachable : EXIT.refused, textOf(operation, problem), options);
    this.problem = problem;
  }
}

/** A coordinator of an earlier version sends no `fault`. */
const textOf = (operation: CalledOperation, { field, fault, detail }: ProblemDetails): string =>
  field === undefined || fault === undefined ? detail : withField(optionOf(operation, field), fault);

/**
 * The error for the operator after a failed call of an operation; the only place that gives the
 * SDK's errors a line and an exit code. Other errors are returned as they are.
 */
export function commandErrorOf(error: unknown, operation: CalledOperation, server: string): unknown {
  if (!isFailedCall(error)) return error;
  const { cause } = error;
  if (cause instanceof ErrorResponse) {
    return cause.problem === undefined
      ? otherProgram(server, cause.httpStatus, error)
      : new ApiProblem(operation, cause.problem, { cause: error });
  }
  if (error instanceof UnexpectedResponse) return otherProgram(server, error.httpStatus, error);
  if (isCutOff(cause)) return cutOff(server, error);
  const message = isTlsFault(cause)
    ? `no TLS connection to ${server} is possible (${codeOf(cause)}): ${TLS_ADVICE}`
    : `no coordinator responds at ${server} (${codeOf(cause)}): start one with "holdfast serve", or specify another with --server URL or HOLDFAST_SERVER`;
  return new CommandError(EXIT.unreachable, message, { cause: error });
}

const isFailedCall = (error: unknown): error is CoordinatorUnreachable | RequestRejected | UnexpectedResponse =>
  error instanceof CoordinatorUnreachable || error instanceof RequestRejected || error instanceof UnexpectedResponse;

/** The error if a response cannot come from a coordinator of this version. */
export function otherProgram(server: string, httpStatus: number | undefined, cause?: unknown): CommandError {
  const message = `the server at ${server} (HTTP ${httpStatus}) is not a Holdfast coordinator of this version; check --server`;
  return new CommandError(EXIT.unreachable, message, { cause });
}

/** What an operator can do if the certificate of the coordinator cannot be verified. */
export const TLS_ADVICE =
  'specify the authority of its certificate with --ca-file, use a host name that is in the certificate, or renew it';

/** Whether a server responded, but its certificate or another fault prevents TLS. */
export const isTlsFault = (error: unknown): boolean =>
  hasCode(error) && /CERT|SIGNED|ISSUER|VERIFY|SSL|TLS/.test(error.code);

/** Errors of a connection that broke while the response was awaited or arrived. */
const CUT_OFF = new Set([
  'ECONNRESET',
  'EPIPE',
  'UND_ERR_SOCKET',
  'UND_ERR_BODY_TIMEOUT',
  'UND_ERR_RES_CONTENT_LENGTH_MISMATCH',
]);

/** An error without a code is that of a response which did not arrive completely in time. */
const isCutOff = (error: unknown): boolean => error instanceof Error && (!hasCode(error) || brokeOff(error));

/** Whether the server had accepted a connection, which then broke. */
export const brokeOff = (error: unknown): boolean => hasCode(error) && CUT_OFF.has(error.code);

const hasCode = (error: unknown): error is Error & { readonly code: string } =>
  error instanceof Error && 'code' in error && typeof error.code === 'string';

function cutOff(server: string, error: CoordinatorUnreachable | RequestRejected): CommandError {
  const isDone = error instanceof CoordinatorUnreachable && error.outcome === 'unknown';
  const then = isDone
    ? 'the command may have been carried out: repeat it, or check with "holdfast show"'
    : 'repeat the command, and see the log of the coordinator, or of the proxy in front of it';
  const message = `the connection to ${server} ended before its response was complete (${codeOf(error.cause)}): ${then}`;
  return new CommandError(EXIT.unreachable, message, { cause: error });
}

/** The code of an error, otherwise its text. */
export const codeOf = (error: unknown): string => (hasCode(error) ? error.code : textOfThrown(error));
