import { ERROR_RULES, type FieldNames, HoldfastError, renderError } from '@holdfast/protocol';
import { GrpcError } from '../grpc-error.ts';

/**
 * An error of an operation of `/api/v1` as the end of a call. The trailers have the contents of the
 * problem details that HTTP sends.
 *
 * @param names the names of the fields in the request's message
 */
export function v1ErrorOf(error: HoldfastError, names: FieldNames): GrpcError {
  const { code, message, field, gid, status } = renderError(error, names);
  const details = { code, field, gid, status, outcome: error.outcome };
  const trailers = Object.entries(details).flatMap(([name, value]) =>
    value === undefined ? [] : [[`holdfast-${name}`, value] as const],
  );
  return new GrpcError(ERROR_RULES[code].grpcStatus, message, Object.fromEntries(trailers));
}
