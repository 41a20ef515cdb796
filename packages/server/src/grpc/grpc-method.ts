import type { Authenticator, PrincipalLimits } from '@holdfast/api';
import type { CallContext } from '@holdfast/core';
import type { GrpcError } from './grpc-error.ts';

/** A method with one request and one response. */
export interface UnaryMethod {
  readonly kind: 'unary';
  /** `/package.Service/Method`. */
  readonly path: string;
  /** Whether it is served to callers that are not authenticated: the health. */
  readonly isPublic?: true;
  /**
   * Resolves to the encoded response. A `GrpcError` or `HoldfastError` that it throws becomes the
   * status; any other error is an internal one.
   */
  call(context: CallContext, request: Buffer): Promise<Uint8Array>;
  /**
   * Called instead of `call` for a request that the transport rejects, such as one that is too
   * long, so that interceptors apply to it. Rejects with the error that becomes the status. Absent:
   * the method has no interceptors.
   */
  reject?(context: CallContext, error: GrpcError): Promise<never>;
}

/** A method with any number of requests and responses. */
export interface StreamMethod {
  readonly kind: 'stream';
  readonly path: string;
  /** As of a `UnaryMethod`. */
  readonly isPublic?: true;
  /** Resolves when the stream is to end with the status OK. */
  run(stream: GrpcStream): Promise<void>;
}

/** A method with one request and any number of responses. */
export interface EventsMethod {
  readonly kind: 'events';
  readonly path: string;
  /** As of a `UnaryMethod`. */
  readonly isPublic?: true;
  /**
   * Resolves when the call is to end with the status OK. Errors as of `UnaryMethod.call`.
   *
   * @param send sends a response. Returns undefined if the client's window had room for it,
   *   otherwise a promise that resolves when it has, or when the call has ended.
   */
  run(context: CallContext, request: Buffer, send: SendResponse): Promise<void>;
  /** As `UnaryMethod.reject`. */
  reject(context: CallContext, error: GrpcError): Promise<never>;
}

export type SendResponse = (message: Uint8Array) => Promise<void> | undefined;

export type GrpcMethod = UnaryMethod | EventsMethod | StreamMethod;

/** One call of a `StreamMethod`. */
export interface GrpcStream {
  /** Aborts when the client has cancelled the call or disconnected. */
  readonly signal: AbortSignal;
  /** The requests in their order; ends when the client has sent the last one. */
  readonly requests: AsyncIterable<Buffer>;
  /** Sends a response. Resolves when the client's window has room for another one. */
  readonly send: (message: Uint8Array) => Promise<void>;
}

/** A gRPC server. Both implementations offer the same methods in the same way. */
export interface GrpcTransport {
  /** Returns the address that is bound. Throws what `listen` throws. */
  listen(host: string, port: number): Promise<string>;
  /**
   * Serves these methods from now on; until then calls receive UNAVAILABLE.
   *
   * @param authenticator determines the callers; absent: every caller is anonymous
   * @param limits bounds what callers send; absent: nothing does
   */
  use(methods: readonly GrpcMethod[], authenticator?: Authenticator, limits?: PrincipalLimits): void;
  /** Accepts no new connections; the clients of open ones are requested to leave. */
  stopAccepting(): void;
  /** Ends every connection, after the calls in progress or a short time. */
  close(): Promise<void>;
}
