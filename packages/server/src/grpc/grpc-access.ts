import type { Authenticator, Credentials, PrincipalLimits } from '@holdfast/api';
import { ANONYMOUS, HoldfastError, type Principal } from '@holdfast/protocol';
import type { GrpcContext } from './grpc-context.ts';
import { GrpcError } from './grpc-error.ts';
import type { GrpcMethod } from './grpc-method.ts';

/** Who may call. */
export interface GrpcCallers {
  /** Undefined: every caller is anonymous. */
  readonly authenticator: Authenticator | undefined;
  /** Undefined: nothing bounds what callers send. */
  readonly limits: PrincipalLimits | undefined;
}

/**
 * Determines the caller of a call. Returns nothing if the caller is known at once, otherwise a
 * promise. Throws, or rejects with, the error that ends the call.
 *
 * @param method undefined: there is no such method, which only a known caller learns
 */
export function admitCaller(
  context: GrpcContext,
  method: GrpcMethod | undefined,
  { authenticator, limits }: GrpcCallers,
  credentials: Credentials,
): void | Promise<void> {
  const admit = (principal: Principal): void => {
    limits?.admit(principal);
    context.admit(principal);
  };
  context.remoteAddress = credentials.remoteAddress;
  // The health has no namespace.
  if (method?.isPublic === true) return undefined;
  if (authenticator === undefined) return context.admit(ANONYMOUS);
  const { authenticationDeadlineMs: deadlineMs } = context;
  const principal = authenticator.authenticate(deadlineMs === undefined ? credentials : { ...credentials, deadlineMs });
  return principal instanceof Promise ? principal.then(admit) : admit(principal);
}

/**
 * How often the caller of a stream is authenticated again. With what the authenticator remembers,
 * a stream ends within 5 seconds of the revocation of its token by another node.
 */
const AGAIN_MS = 1_000;

/**
 * Authenticates the caller of a stream again and again, and calls `end` once with the error that
 * ends the stream: the credentials are not valid any more, cannot be checked, or are now those of
 * a principal with other privileges. Returns a function that stops this.
 */
export function watchCaller(
  { principal: admitted }: GrpcContext,
  method: GrpcMethod,
  { authenticator }: GrpcCallers,
  credentials: Credentials,
  end: (error: GrpcError | HoldfastError) => void,
): () => void {
  if (authenticator === undefined || method.isPublic === true || method.kind === 'unary') return () => undefined;
  let isChecking = false;
  const check = async (): Promise<void> => {
    if (isChecking) return;
    isChecking = true;
    try {
      const principal = await authenticator.authenticate({ ...credentials, isInProgress: true });
      if (principal !== admitted && privilegesOf(principal) !== privilegesOf(admitted))
        throw new HoldfastError('unauthenticated', 'the privileges of the caller have changed; call again');
    } catch (thrown) {
      stop();
      const error = HoldfastError.from(thrown);
      const { code, message, details } = GrpcError.from(error);
      // What has not been sent was meant for a caller with these privileges.
      // The server logs an internal error.
      end(error.code === 'internal' ? error : new GrpcError(code, message, details, { discardsUnsent: true }));
    }
    isChecking = false;
  };
  const timer = setInterval(() => void check(), AGAIN_MS).unref();
  const stop = (): void => clearInterval(timer);
  return stop;
}

const privilegesOf = ({ id, roles, namespaces }: Principal): string => JSON.stringify([id, roles, namespaces]);
