import type { Authenticator, Credentials } from '@holdfast/api';
import { ANONYMOUS } from '@holdfast/protocol';
import type { GrpcContext } from './grpc-context.ts';
import type { GrpcMethod } from './grpc-method.ts';

/**
 * Determines the caller of a call. Returns nothing if the caller is known at once, otherwise a
 * promise. Throws, or rejects with, the error that ends the call.
 *
 * @param method undefined: there is no such method, which only a known caller learns
 * @param authenticator undefined: every caller is anonymous
 */
export function admitCaller(
  context: GrpcContext,
  method: GrpcMethod | undefined,
  authenticator: Authenticator | undefined,
  credentials: Credentials,
): void | Promise<void> {
  if (authenticator === undefined || method?.isPublic === true) return context.admit(ANONYMOUS);
  const principal = authenticator.authenticate(credentials);
  return principal instanceof Promise ? principal.then((found) => context.admit(found)) : context.admit(principal);
}
