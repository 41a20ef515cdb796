import { CoordinatorUnreachable, ErrorResponse, RequestRejected, UnexpectedResponse } from '@holdfast/client/api';
import { type ProblemDetails, textOfThrown, type TlsFault, tlsFaultOf, tlsReason, withField } from '@holdfast/protocol';
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
  if (isOtherProtocol(cause)) {
    const message = `the server at ${server} does not respond in HTTP/1.1: ${PORT_ADVICE}`;
    return new CommandError(EXIT.unreachable, message, { cause: error });
  }
  if (isCutOff(cause)) return cutOff(server, error);
  const tls = noTls(server, cause);
  const message =
    tls !== undefined
      ? `${tls.found}: ${tls.advice}`
      : `no coordinator responds at ${server} (${codeOf(cause)}): start one with "holdfast serve", or specify another with --server URL or HOLDFAST_SERVER`;
  return new CommandError(EXIT.unreachable, message, { cause: error });
}

const isFailedCall = (error: unknown): error is CoordinatorUnreachable | RequestRejected | UnexpectedResponse =>
  error instanceof CoordinatorUnreachable || error instanceof RequestRejected || error instanceof UnexpectedResponse;

/** The error if a response cannot come from a coordinator of this version. */
export function otherProgram(server: string, httpStatus: number | undefined, cause?: unknown): CommandError {
  // A proxy sends these if it reaches no coordinator.
  const isOfProxy = httpStatus !== undefined && httpStatus >= 502 && httpStatus <= 504;
  const message = isOfProxy
    ? `a proxy or another program responds at ${server} (HTTP ${httpStatus}), and no Holdfast coordinator: check --server, and whether that proxy reaches a coordinator`
    : `the server at ${server} (HTTP ${httpStatus}) is not a Holdfast coordinator of this version; check --server`;
  return new CommandError(EXIT.unreachable, message, { cause });
}

/** What an operator can do if no TLS connection is possible. */
const TLS_ADVICE: Readonly<Record<TlsFault, string>> = {
  authority: 'specify the authority of its certificate with --ca-file',
  certificate: 'renew it',
  name: 'use a host name that is in the certificate',
  'client certificate': 'specify a client certificate with --cert-file and --key-file',
  port: 'use http://, or the port at which the coordinator serves https',
  other: 'see the log of the coordinator, or of the proxy in front of it',
};

/** What to do about a server with another protocol. */
export const PORT_ADVICE = 'specify the HTTP port of the coordinator, not that for gRPC';

/** Why no TLS connection to a server is possible, and what to do; undefined for other errors. */
export function noTls(server: string, error: unknown): { readonly found: string; readonly advice: string } | undefined {
  const fault = tlsFaultOf(error);
  if (fault === undefined || !(error instanceof Error)) return undefined;
  const reason = tlsReason(error)?.replace(/^TLS: /, '');
  return { found: `no TLS connection to ${server} is possible: ${reason}`, advice: TLS_ADVICE[fault] };
}

/** Whether the response of a server is not one of HTTP/1.1. */
export const isOtherProtocol = (error: unknown): boolean =>
  error instanceof Error && (error.name === 'HTTPParserError' || (hasCode(error) && error.code.startsWith('HPE_')));

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
