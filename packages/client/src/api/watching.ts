import { isFinal, type TransactionDetails } from '@holdfast/protocol';
import { CoordinatorUnreachable, type RequestRejected } from '../errors.ts';
import type { Api } from './api.ts';
import { pause } from './back-off.ts';
import { retryAfterOf } from './retry-after.ts';
import { RetryBudget } from './retry-budget.ts';

/** A watch of one transaction. */
export interface WatchCall {
  readonly gid: string;
  /** An unfinished state that is not later than this version is left out. */
  readonly afterVersion: number;
  /** How long to continue while no coordinator can be reached. */
  readonly retryForMs: number;
  readonly signal?: AbortSignal | undefined;
}

/** How one attempt ended without the final state. */
export type WatchEnd =
  | { readonly kind: 'rejected'; readonly rejection: RequestRejected }
  /** The connection was lost, or the coordinator cannot continue. */
  | { readonly kind: 'retry'; readonly cause: unknown };

/** Receives states after a version, from one coordinator, until the final one or an end. */
export type WatchAttempt = (afterVersion: number) => AsyncGenerator<TransactionDetails, WatchEnd, undefined>;

/** The coordinator that is watched. */
export interface WatchedCoordinator {
  readonly name: string;
  readonly isClosed: () => boolean;
}

/**
 * The states of a transaction until the final one. After a lost connection another attempt
 * continues behind the last version, so that versions increase.
 */
export async function* resumed(
  { name, isClosed }: WatchedCoordinator,
  { gid, afterVersion, retryForMs, signal }: WatchCall,
  attempt: WatchAttempt,
): AsyncGenerator<TransactionDetails, void, undefined> {
  let version = afterVersion;
  let budget = new RetryBudget(retryForMs);
  for (let failures = 1; ; failures++) {
    signal?.throwIfAborted();
    if (isClosed()) throw unreachable(name, gid, failures, new Error('this client was closed'));
    let sinceMs = performance.now();
    const states = attempt(version);
    let end: WatchEnd;
    try {
      for (;;) {
        const next = await states.next();
        signal?.throwIfAborted();
        if (next.done === true) {
          end = next.value;
          break;
        }
        const state = next.value;
        const isNew = state.version > version;
        version = Math.max(version, state.version);
        if (isNew || isFinal(state.status)) yield state;
        if (isFinal(state.status)) return;
        // The time that the application takes is not a failure.
        sinceMs = performance.now();
        budget = new RetryBudget(retryForMs);
        failures = 0;
      }
    } finally {
      await states.return({ kind: 'retry', cause: undefined });
    }
    if (end.kind === 'rejected') throw end.rejection;
    const tookMs = performance.now() - sinceMs;
    const isStable = tookMs > STABLE_MS;
    if (isStable) budget = new RetryBudget(retryForMs);
    if (isStable || failures === 0) failures = 1;
    const pauseMs = budget.failed(failures, isStable ? 0 : tookMs, 0, retryAfterOf(end.cause));
    if (pauseMs === undefined) throw unreachable(name, gid, failures, end.cause);
    await pause(pauseMs, signal);
  }
}

/** An attempt that lasted longer was connected, to a transaction that did not change. */
const STABLE_MS = 30_000;

const unreachable = (name: string, gid: string, attempts: number, cause: unknown): CoordinatorUnreachable =>
  new CoordinatorUnreachable(name, gid, attempts, 'not_started', cause);

/** How long one request waits for the end of the transaction until it returns the state. */
const POLL_MS = 1_000;

/**
 * The states of a transaction over HTTP, which has no streams: one request per second, which
 * returns earlier when the transaction has finished.
 */
export async function* polled(
  api: Pick<Api, 'getTransaction'>,
  { gid, afterVersion, retryForMs, signal }: WatchCall,
): AsyncGenerator<TransactionDetails, void, undefined> {
  let version = afterVersion;
  for (let waitMs = 0; ; waitMs = POLL_MS) {
    const startedMs = performance.now();
    const response = await api.getTransaction({ gid }, { signal, retryForMs, waitUntilMs: startedMs + waitMs });
    if (!response.ok) throw response.rejection;
    const state = response.value;
    const isNew = state.version > version;
    version = Math.max(version, state.version);
    if (isNew || isFinal(state.status)) yield state;
    if (isFinal(state.status)) return;
    // A coordinator that has too many waiters, or is stopping, responds at once.
    const earlyMs = startedMs + waitMs - performance.now();
    if (earlyMs > 0 && !isNew) await pause(earlyMs, signal);
  }
}
