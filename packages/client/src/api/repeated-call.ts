import type { DeadlineOutcome } from '@holdfast/protocol';
import { CoordinatorUnreachable, DeadlineExceeded, type RequestRejected } from '../errors.ts';
import type { ApiCall, ApiResponse } from './api.ts';
import { pause } from './back-off.ts';
import { SHORTEST_REPEAT_MS, statedMs } from './call-end.ts';
import { retryAfterOf } from './retry-after.ts';
import { RetryBudget } from './retry-budget.ts';

/** The outcome of one attempt. */
export type Outcome<T> =
  | { readonly kind: 'done'; readonly value: T }
  | { readonly kind: 'rejected'; readonly rejection: RequestRejected }
  | Retry;

/** The coordinator could not be reached, or responded "not now". */
export interface Retry {
  readonly kind: 'retry';
  readonly cause: unknown;
  /** Whether the request may have been sent, and may have had an effect. */
  readonly sent: boolean;
  /** Of a response `deadline_exceeded`. */
  readonly outcome?: DeadlineOutcome;
}

/** How long one attempt may take; Infinity: unlimited. */
export interface AttemptTimes {
  readonly clientMs: number;
  /** Shorter, so that the coordinator's response arrives first. */
  readonly coordinatorMs: number;
}

/** The call that is repeated. */
export interface RepeatedCall<T> extends ApiCall {
  /** For error messages. */
  readonly gid?: string | undefined;
  /** Whether the request changes nothing. */
  readonly isQuery: boolean;
  /**
   * Makes one attempt. Throws what must not be repeated.
   *
   * @param waitMs how long the coordinator may hold its response back; undefined: not at all
   */
  readonly attempt: (waitMs: number | undefined) => Promise<Outcome<T>>;
}

/** The coordinator that is called. */
export interface CalledCoordinator {
  readonly url: string;
  readonly retryForMs: number;
  readonly isClosed: () => boolean;
}

/**
 * The longest time that one request lets the coordinator hold its response back: shorter than
 * proxies tolerate.
 */
const LONGEST_POLL_MS = 20_000;

const pollMs = (untilMs: number): number =>
  Math.round(Math.max(0, Math.min(untilMs - performance.now(), LONGEST_POLL_MS)));

/**
 * Repeats a call while the coordinator is unreachable or responds "not now". Repeating is safe:
 * every request of the API either reads, or names a gid and has no effect the second time.
 */
export async function callRepeatedly<T>(
  { url, retryForMs, isClosed }: CalledCoordinator,
  { gid, isQuery, attempt: makeAttempt, ...call }: RepeatedCall<T>,
): Promise<ApiResponse<T>> {
  const budget = new RetryBudget(call.retryForMs ?? retryForMs);
  const { endsMs = Infinity } = call;
  let repeated = false;
  const errorOf = (
    Class: typeof CoordinatorUnreachable | typeof DeadlineExceeded,
    attempts: number,
    cause: unknown,
  ): CoordinatorUnreachable => new Class(url, gid, attempts, repeated && !isQuery ? 'unknown' : 'not_started', cause);
  for (let attempt = 1; ; attempt++) {
    if (isClosed()) throw errorOf(CoordinatorUnreachable, attempt, new Error('this client was closed'));
    const startedMs = performance.now();
    if (startedMs >= endsMs) throw errorOf(DeadlineExceeded, attempt - 1, new Error('its time has expired'));
    const waitMs = call.waitUntilMs === undefined ? undefined : pollMs(call.waitUntilMs);
    const outcome = await makeAttempt(waitMs);
    if (outcome.kind === 'done') return { ok: true, value: outcome.value };
    if (outcome.kind === 'rejected') return { ok: false, rejection: outcome.rejection, repeated };
    repeated ||= outcome.sent && outcome.outcome !== 'not_started';
    const heldMs = outcome.sent ? (waitMs ?? 0) : 0;
    const pauseMs = budget.failed(attempt, performance.now() - startedMs, heldMs, retryAfterOf(outcome.cause));
    const isOver = performance.now() + (pauseMs ?? 0) + SHORTEST_REPEAT_MS > endsMs;
    if (isOver || (pauseMs === undefined && outcome.outcome !== undefined))
      throw errorOf(DeadlineExceeded, attempt, outcome.cause);
    if (pauseMs === undefined) throw errorOf(CoordinatorUnreachable, attempt, outcome.cause);
    await pause(pauseMs, call.signal);
  }
}

/**
 * How long one response may take, with the wait.
 *
 * @param requestTimeoutMs 0: unlimited
 */
export function attemptTimes(requestTimeoutMs: number, waitMs = 0, { endsMs = Infinity }: ApiCall = {}): AttemptTimes {
  const responseMs = requestTimeoutMs || Infinity;
  const stated = requestTimeoutMs === 0 ? Infinity : statedMs(requestTimeoutMs);
  const leftMs = endsMs - performance.now();
  return {
    clientMs: Math.max(1, Math.min(responseMs + waitMs, leftMs)),
    coordinatorMs: Math.max(1, Math.min(stated + waitMs, leftMs === Infinity ? leftMs : statedMs(leftMs))),
  };
}
