/** How a client talks to its coordinator. */
export interface ConnectOptions extends TransportOptions {
  /** Where this service answers workflows' call-backs (`workflowCallBack`), as the coordinator reaches it, unless a workflow says otherwise. */
  readonly callBackUrl?: string;
}

/** How requests are made. */
export interface TransportOptions {
  /** Connections kept open at most. A submit or wait holds one while it waits. Default 128. */
  readonly connections?: number;
  /** How long one answer of the coordinator may take, beyond the time that was asked to wait. Default 10,000. */
  readonly requestTimeoutMs?: number;
  /**
   * How long a call is repeated, with growing pauses, while the coordinator is unreachable or overloaded. 0: never. Default 5,000. The time for which the
   * coordinator was asked to hold its response back does not count, so that a call that waits ends at most this time, and one more attempt, after its wait.
   */
  readonly retryForMs?: number;
  /** What `wait: true` means. Default 30,000. */
  readonly waitTimeoutMs?: number;
  /** Sent with every request to the coordinator. */
  readonly headers?: Readonly<Record<string, string>>;
}

export const DEFAULT_CONNECT_OPTIONS = {
  connections: 128,
  requestTimeoutMs: 10_000,
  retryForMs: 5_000,
  waitTimeoutMs: 30_000,
  headers: {},
} as const satisfies Required<TransportOptions>;

/** Options of one call. */
export interface CallOptions {
  /** Ends the call with the signal's reason; what was submitted goes on. */
  readonly signal?: AbortSignal;
}

export interface WaitOptions extends CallOptions {
  /** Default: the client's `waitTimeoutMs`. */
  readonly timeoutMs?: number;
}

export interface SubmitOptions extends CallOptions {
  /**
   * Wait for the end: `true` for the client's `waitTimeoutMs`, or a time of its own. Left out or false: submit answers as soon as the transaction is
   * durable.
   */
  readonly wait?: boolean | { readonly timeoutMs: number };
}
