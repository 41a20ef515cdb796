import type { BranchProtocol, BranchResult, Op, Pattern, Status } from '@holdfast/protocol';

/**
 * The engine's environment, which a simulation can replace: time, randomness, identities, branches,
 * alerts, logs.
 */
export interface Clock {
  /** Milliseconds on a clock that never goes backwards and has an arbitrary zero. */
  monotonicMs(): number;
  /**
   * Milliseconds since the epoch. The clock may be set forward and back. It advances while the
   * machine is suspended, which the monotonic clock may not.
   */
  wallMs(): number;
  /** Runs `callback` once after `delayMs`. Returns a timer that can be cancelled. */
  setTimer(delayMs: number, callback: () => void): Timer;
  /** Runs `callback` as soon as the events that have already arrived are handled. */
  endOfTurn(callback: () => void): void;
}

export interface Timer {
  cancel(): void;
}

/** A number in [0, 1). */
export type Random = () => number;

export interface Identities {
  /** A new, unique gid. */
  newGid(): string;
  /** A new session ID for this node, different at every start. */
  newSession(): string;
}

/**
 * One call to a branch, or one query of the coordinator to a client (op `msg` or a workflow's name,
 * branch ID `00`).
 */
export interface BranchRequest {
  readonly namespace: string;
  readonly gid: string;
  readonly pattern: Pattern;
  readonly branchId: string;
  /** An op, or a workflow's name. */
  readonly op: Op | (string & {});
  /**
   * Number of this attempt, from 1. A node that takes a transaction over may have no record of
   * the last attempts of the previous owner, and then counts from what was stored.
   */
  readonly attempt: number;
  readonly url: string;
  readonly protocol: BranchProtocol;
  readonly payload: Uint8Array;
  /** Over HTTP: POST even without a payload. */
  readonly alwaysPost: boolean;
  readonly headers: Readonly<Record<string, string>>;
  readonly timeoutMs: number;
}

/** What the calls of a branch carry: their transaction's coordinates and headers, and a payload. */
export interface CallContents {
  readonly gid: string;
  readonly pattern: Pattern;
  readonly protocol: BranchProtocol;
  /** Of a workflow: its callbacks carry the name. */
  readonly workflowName?: string;
  /** Of a branch that is registered later than its transaction. */
  readonly branchId?: string;
  readonly options?: { readonly branchHeaders?: Readonly<Record<string, string>> };
  readonly payload?: Uint8Array;
}

/**
 * Calls branches. Every outcome becomes a result: the promise never rejects, and it settles shortly
 * after `timeoutMs` at the latest.
 */
export interface BranchCaller {
  call(request: BranchRequest): Promise<BranchResult>;
  /**
   * The key by which calls per destination are limited: origin of a URL, or name of a local branch.
   */
  destinationOf(url: string): string;
  /**
   * Why no call of a URL with these contents can ever be made; undefined if calls can be made. The
   * engine rejects what would give a transaction such a branch. Absent: every call can be made.
   */
  faultOf?(url: string, contents: CallContents): string | undefined;
  /** Whether `faultOf` of a URL depends on the contents of its calls. Absent: it does not. */
  dependsOnContents?(url: string): boolean;
  /**
   * Why the operator's rules do not allow calls of a URL in a namespace; undefined if they do.
   * Absent: every URL is allowed.
   */
  refusalOf?(url: string, namespace: string): string | undefined;
}

/** The notification that a transaction needs operator attention. */
export interface Alert {
  readonly namespace: string;
  readonly gid: string;
  readonly status: Status;
  /** Branch ID and op, such as `02 compensate`. */
  readonly branch: string;
  readonly error: string;
  readonly retryCount: number;
}

/**
 * Receives each alert, at least once. The alert is acknowledged when the hook returns or its
 * promise resolves. Until then, and after an exception or a rejection, the alert is raised again
 * when the transaction is resumed, on any node.
 */
export type AlertHook = (alert: Alert) => void | Promise<void>;

/**
 * Structured log; the fields of a line about a transaction or branch contain `gid` and `branch`.
 */
export interface Logger {
  debug(fields: Readonly<Record<string, unknown>>, message: string): void;
  info(fields: Readonly<Record<string, unknown>>, message: string): void;
  warn(fields: Readonly<Record<string, unknown>>, message: string): void;
  error(fields: Readonly<Record<string, unknown>>, message: string): void;
}
