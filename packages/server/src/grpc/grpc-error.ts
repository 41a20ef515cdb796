import { type DtmFault, faultOfError } from '@holdfast/api';
import { ERROR_RULES, type ErrorCode, HoldfastError } from '@holdfast/protocol';
import { GRPC_STATUS, RETRY_PUSHBACK } from '@holdfast/protocol/grpc';

/** The end of a call with a status other than OK. */
export class GrpcError extends Error {
  override readonly name = 'GrpcError';
  readonly code: number;
  /** Trailers with details, for programs. */
  readonly details: Readonly<Record<string, string>>;
  /** Whether responses that wait for the client's window are left out: the call ends now. */
  readonly discardsUnsent: boolean;

  constructor(
    code: number,
    message: string,
    details: Readonly<Record<string, string>> = {},
    { discardsUnsent = false }: { readonly discardsUnsent?: boolean } = {},
  ) {
    super(message);
    this.code = code;
    this.details = details;
    this.discardsUnsent = discardsUnsent;
  }

  /** Converts an error that a method of dtm's service threw. */
  static from(error: HoldfastError): GrpcError {
    return grpcErrorOf(faultOfError(error));
  }
}

/** A call of dtm's wire that had no success, as the end of the call. */
export function grpcErrorOf({ kind, message, status, error }: DtmFault): GrpcError {
  const details = { code: error?.code, gid: error?.gid, field: error?.field, status };
  const named = Object.entries(details).flatMap(([name, value]) =>
    value === undefined ? [] : [[`holdfast-${name}`, value] as const],
  );
  const trailers = { ...Object.fromEntries(named), ...pushback(error?.retryAfterMs) };
  return new GrpcError(statusOf(kind, error?.code), textOf(kind, message), trailers);
}

/** The trailer by which gRPC's clients know when to repeat a call, with their retry policy. */
export const pushback = (retryAfterMs: number | undefined): Readonly<Record<string, string>> =>
  retryAfterMs === undefined ? NO_TRAILERS : { [RETRY_PUSHBACK]: String(retryAfterMs) };

const NO_TRAILERS = {};

function statusOf(kind: DtmFault['kind'], code: ErrorCode | undefined): number {
  if (kind === 'FAILURE') return GRPC_STATUS.aborted;
  if (kind === 'ONGOING') return GRPC_STATUS.failedPrecondition;
  return code === undefined ? GRPC_STATUS.unknown : ERROR_RULES[code].grpcStatus;
}

/** Old clients take Aborted with the message `ONGOING` for a transaction in progress. */
const textOf = (kind: DtmFault['kind'], message: string): string =>
  kind === 'FAILURE' && message === 'ONGOING' ? 'the reason is ONGOING' : message;
