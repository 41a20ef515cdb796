import type { Principal, TraceContext } from '@holdfast/protocol';

/** The circumstances of one call, from the transport to the engine. */
export interface CallContext {
  readonly principal: Principal;
  readonly namespace: string;
  /** Aborts a wait (the caller has disconnected); the transaction continues. */
  readonly signal?: AbortSignal | undefined;
  /**
   * The point in time after which the caller no longer waits for the response, in ms of this
   * process's monotonic clock (`Clock.monotonicMs`); undefined: none. A caller in another process
   * sends a timeout, and the transport adds it to the time at which the request arrived. The clocks
   * of two hosts are therefore never compared, and setting the time of day changes no deadline.
   */
  readonly deadlineMs?: number | undefined;
  /** The address of the other end of the caller's connection, if there is one. */
  readonly remoteAddress?: string | undefined;
  /**
   * Identifies the caller's connection: equal for the calls of one connection, and for no others.
   * Set for calls that may last.
   */
  readonly connection?: object | string | undefined;
  /** The trace that the call belongs to. */
  readonly trace?: TraceContext | undefined;
}
