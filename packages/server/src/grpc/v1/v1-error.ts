import { V1_NAMES } from '@holdfast/api';
import { ERROR_RULES, type FieldNames, HoldfastError, renderError } from '@holdfast/protocol';
import { holdfastPath, type OperationMessages } from '@holdfast/protocol/grpc';
import { GrpcError, pushback } from '../grpc-error.ts';

/** Called with an error that is a bug in Holdfast, and the path of its method. */
export type OnDefect = (error: HoldfastError, path: string) => void;

/** Returns the function that converts what a method throws to the end of its call. */
export function statusOfV1(messages: OperationMessages, onDefect: OnDefect): (thrown: unknown) => GrpcError {
  const names = { ...V1_NAMES, ...messages.fieldNames };
  return (thrown) => {
    if (thrown instanceof GrpcError) return thrown;
    const error = HoldfastError.from(thrown);
    if (error.code === 'internal') onDefect(error, holdfastPath(messages));
    return v1ErrorOf(error, names);
  };
}

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
  return new GrpcError(ERROR_RULES[code].grpcStatus, message, {
    ...Object.fromEntries(trailers),
    ...pushback(error.retryAfterMs),
  });
}
