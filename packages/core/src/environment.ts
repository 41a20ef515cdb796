import type { BranchProtocol, BranchResult, Op, Pattern, Status } from '@holdfast/protocol';

/**
 * What the engine gets from outside, so that it can run in a simulation: time, randomness, identities, branches, alerts, logs.
 */
export interface Clock {
  /** Milliseconds on a clock that never goes backwards; its zero means nothing. */
  monotonicMs(): number;
  /**
   * Milliseconds since the epoch. It may be set forward and back. It advances while the machine is
   * suspended, which the monotonic clock may not.
   */
  wallMs(): number;
  /** Runs `callback` once after `delayMs`. Answers how to cancel it. */
  setTimer(delayMs: number, callback: () => void): Timer;
  /** Runs `callback` as soon as the events that have come in already are handled. */
  endOfTurn(callback: () => void): void;
}

export interface Timer {
  cancel(): void;
}

/** A number in [0, 1). */
export type Random = () => number;

export interface Identities {
  /** A gid nobody used before. */
  newGid(): string;
  /** This node's session: new at every start. */
  newSession(): string;
}

/** One call to a branch, or one question of the coordinator to a client (op `msg` or a workflow's name, branch id `00`). */
export interface BranchRequest {
  readonly namespace: string;
  readonly gid: string;
  readonly pattern: Pattern;
  readonly branchId: string;
  /** An op, or a workflow's name. */
  readonly op: Op | (string & {});
  readonly url: string;
  readonly protocol: BranchProtocol;
  readonly payload: Uint8Array;
  /** Over HTTP, POST also without a payload. */
  readonly alwaysPost: boolean;
  readonly headers: Readonly<Record<string, string>>;
  readonly timeoutMs: number;
}

/** Calls branches. Whatever happens becomes a result: the promise never rejects, and it settles within `timeoutMs` and a little. */
export interface BranchCaller {
  call(request: BranchRequest): Promise<BranchResult>;
  /** What the bounds per destination count: origin of a URL, name of a local branch. */
  destinationOf(url: string): string;
}

/** A transaction needs a person. */
export interface Alert {
  readonly namespace: string;
  readonly gid: string;
  readonly status: Status;
  /** Branch id and op, such as `02 compensate`. */
  readonly branch: string;
  readonly error: string;
  readonly retryCount: number;
}

/**
 * Receives each alert, at least once. The alert is acknowledged when the hook returns or its promise resolves; until
 * then, and after an exception or a rejection, it is raised again when the transaction is resumed, on any node.
 */
export type AlertHook = (alert: Alert) => void | Promise<void>;

/** Structured log; fields hold `gid` and `branch` in every line about one. */
export interface Logger {
  debug(fields: Readonly<Record<string, unknown>>, message: string): void;
  info(fields: Readonly<Record<string, unknown>>, message: string): void;
  warn(fields: Readonly<Record<string, unknown>>, message: string): void;
  error(fields: Readonly<Record<string, unknown>>, message: string): void;
}
