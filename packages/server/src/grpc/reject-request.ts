import type { CallContext } from '@holdfast/core';
import { rejectCall } from '@holdfast/api';
import { ERROR_CODES, type ErrorCode, HoldfastError } from '@holdfast/protocol';
import { GRPC_STATUS } from '@holdfast/protocol/grpc';
import type { GrpcError } from './grpc-error.ts';

/**
 * Passes the rejection of a request by the transport through the interceptors of its operation.
 *
 * @returns a promise that rejects with `error`, or with the error of an interceptor
 */
export async function rejectRequest(
  invoke: Parameters<typeof rejectCall>[0],
  context: CallContext,
  error: GrpcError,
): Promise<never> {
  const rejection = new HoldfastError(codeOf(error), error.message);
  try {
    return await rejectCall(invoke, context, rejection);
  } catch (thrown) {
    throw thrown === rejection ? error : thrown;
  }
}

function codeOf({ code, details }: GrpcError): ErrorCode {
  const named = ERROR_CODES.find((each) => each === details['holdfast-code']);
  return named ?? (code === GRPC_STATUS.deadlineExceeded ? 'deadline_exceeded' : 'invalid');
}
