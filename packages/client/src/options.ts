import type { CallerOptions } from './api/caller-fields.ts';
import type { Secrets } from './api/initiator-secrets.ts';
import type { SigningKeys } from './api/signer-of-texts.ts';

/** How a client talks to its coordinator. */
export interface ConnectOptions extends TransportOptions {
  /**
   * The URL, as the coordinator reaches it, at which this service serves callbacks of workflows
   * (`workflowCallback`), unless a workflow specifies another one.
   */
  readonly callbackUrl?: string;
  /**
   * How long `close` waits for what is in progress: first phases (`tcc`, `xa`, `submitWith`),
   * workflows and calls to the coordinator, in ms. Default 10,000.
   */
  readonly drainMs?: number;
  /**
   * The keys that sign the calls that this process makes to branches: the tries of a tcc, the
   * branches of an xa, the calls of a workflow. Participants that verify calls then accept them.
   * Default: these calls are not signed.
   */
  readonly signingKeys?: SigningKeys;
  /**
   * The secrets that `branchHeaders` may name (`Bearer secret:bank`), for the calls that this
   * process makes to branches: the tries of a tcc, the branches of an xa, the calls of a workflow.
   * The coordinator needs the same ones for its calls. Default: none, and such a call is not made.
   */
  readonly secrets?: Secrets;
}

/** How requests are made. */
export interface TransportOptions extends CallerOptions {
  /**
   * Maximum number of open connections. A submit or wait holds one while it waits. Default 128.
   * Over gRPC all calls share one connection.
   */
  readonly connections?: number;
  /**
   * How long one response of the coordinator may take, beyond the requested waiting time, in ms.
   * The coordinator receives this time with each request, slightly shortened
   * (`Request-Timeout-Ms`, over gRPC `grpc-timeout`). 0: unlimited. Default 10,000.
   */
  readonly requestTimeoutMs?: number;
  /**
   * How long a call is repeated, with growing pauses, while the coordinator is unreachable or
   * overloaded. 0: never. Default 5,000. The time for which the request lets the coordinator hold
   * its response back does not count, so that a call that waits ends at most this time, and one
   * more attempt, after its wait.
   */
  readonly retryForMs?: number;
  /** The timeout of `wait: true`, in ms. Default 30,000. */
  readonly waitTimeoutMs?: number;
  /** Sent with every request to the coordinator; over gRPC as metadata. */
  readonly headers?: Readonly<Record<string, string>>;
  /** For `https://` and `grpcs://`. Default: the authorities of the system, no certificate. */
  readonly tls?: ClientTls;
}

/** TLS towards the coordinator. Texts or bytes are PEM. */
export interface ClientTls {
  /** Authorities that verify the coordinator's certificate, instead of those of the system. */
  readonly ca?: string | Buffer;
  /** The client certificate with its chain, for a coordinator that requests one. */
  readonly cert?: string | Buffer;
  /** The private key of `cert`. */
  readonly key?: string | Buffer;
  /** The name in the coordinator's certificate, if it differs from the host of the URL. */
  readonly serverName?: string;
}

export const DEFAULT_CONNECT_OPTIONS = {
  connections: 128,
  requestTimeoutMs: 10_000,
  retryForMs: 5_000,
  waitTimeoutMs: 30_000,
  headers: {},
  drainMs: 10_000,
} as const satisfies Required<
  Omit<ConnectOptions, 'callbackUrl' | 'signingKeys' | 'secrets' | 'tls' | keyof CallerOptions>
>;

/** How a transaction is watched. */
export interface WatchOptions {
  /** Ends the watch with the signal's reason; the transaction continues. */
  readonly signal?: AbortSignal;
  /**
   * The `version` of a state that the application has: the watch begins with a later one, or with
   * the final state. Default 0: it begins with the current state.
   */
  readonly afterVersion?: number;
  /**
   * How long the watch is continued, with growing pauses, while no coordinator can be reached, in
   * ms. Default 60,000.
   */
  readonly retryForMs?: number;
}

/** Options of one call. */
export interface CallOptions {
  /** Ends the call with the signal's reason; a submitted transaction continues. */
  readonly signal?: AbortSignal;
  /**
   * How long the call may take, with its repeats and its wait, in ms. A wait ends with the state of
   * the transaction at that time; otherwise `DeadlineExceeded` is thrown. The coordinator receives
   * the time as well (`Request-Timeout-Ms`), and starts no change later. For `tcc`, `xa`,
   * `submitWith` and workflows, it is the time of each of their calls to the coordinator, and of
   * the wait for their end; the application's code is not limited. Default: `requestTimeoutMs` for
   * each attempt.
   */
  readonly callTimeoutMs?: number;
}

export interface WaitOptions extends CallOptions {
  /** Default: the client's `waitTimeoutMs`. */
  readonly timeoutMs?: number;
}

export interface SubmitOptions extends CallOptions {
  /**
   * Wait until the transaction is finished: `true` for the client's `waitTimeoutMs`, or another
   * timeout. Omitted or false: submit resolves as soon as the transaction is durable. Another value
   * throws a `TypeError` before anything is sent.
   */
  readonly wait?: boolean | { readonly timeoutMs: number };
}
