import { callHook, stackOfThrown, textOfThrown } from '@holdfast/protocol';
import type { AlertHook, BranchCaller, Clock, Logger, Random, Timer } from '../environment.ts';
import type { EngineObserver } from '../observer.ts';

interface Dependencies {
  readonly caller: BranchCaller;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** Absent if no hook is configured. */
  readonly alert?: AlertHook;
  readonly observer: EngineObserver;
  readonly onFinished?: (id: string) => void;
}

/**
 * Wraps the engine's dependencies so that an exception in one of them, or in the callback of a
 * timer, is logged and ends neither the process nor a loop of the engine. The store is not wrapped:
 * its errors have a meaning, and each caller of the store handles them. Exceptions of a branch
 * caller are handled where branches are called.
 */
export function contained<D extends Dependencies>(dependencies: D): D {
  const logger = containedLogger(dependencies.logger);
  const thrown = (what: string, error: unknown): void =>
    logger.error({ what, error: stackOfThrown(error) ?? textOfThrown(error) }, 'a callback or a hook threw an error');
  const { alert, onFinished } = dependencies;
  return {
    ...dependencies,
    logger,
    clock: containedClock(dependencies.clock, thrown),
    random: () => {
      try {
        return dependencies.random();
      } catch (error) {
        thrown('random', error);
        return 0;
      }
    },
    // An exception becomes a rejection, which means that the alert was not acknowledged.
    ...(alert !== undefined && { alert: async (raised) => alert(raised) }),
    observer: containedObserver(dependencies.observer, thrown),
    ...(onFinished !== undefined && {
      onFinished: (id: string) =>
        callHook(
          () => onFinished(id),
          (error) => thrown('onFinished', error),
        ),
    }),
  };
}

type Thrown = (what: string, error: unknown) => void;

/**
 * Returns a logger that neither throws nor leaves a rejected promise: a failure to log cannot be
 * reported anywhere else.
 */
export function containedLogger(logger: Logger): Logger {
  const log =
    (level: keyof Logger): Logger['info'] =>
    (fields, message) =>
      callHook(() => logger[level](fields, message));
  return { debug: log('debug'), info: log('info'), warn: log('warn'), error: log('error') };
}

/**
 * A timer that could not be set is set a second time, because the engine's loops depend on their
 * timers.
 */
function containedClock(clock: Clock, thrown: Thrown): Clock {
  const guarded = (callback: () => void) => (): void => {
    try {
      callback();
    } catch (error) {
      thrown('timer', error);
    }
  };
  const setTimer = (delayMs: number, callback: () => void): Timer => {
    const safe = guarded(callback);
    try {
      return clock.setTimer(delayMs, safe);
    } catch (error) {
      thrown('setTimer', error);
      return clock.setTimer(delayMs, safe);
    }
  };
  let [lastMonotonicMs, lastWallMs] = [0, 0];
  return {
    monotonicMs() {
      try {
        return (lastMonotonicMs = clock.monotonicMs());
      } catch (error) {
        thrown('monotonicMs', error);
        return lastMonotonicMs;
      }
    },
    wallMs() {
      try {
        return (lastWallMs = clock.wallMs());
      } catch (error) {
        thrown('wallMs', error);
        return lastWallMs;
      }
    },
    setTimer,
    endOfTurn(callback) {
      const safe = guarded(callback);
      try {
        clock.endOfTurn(safe);
      } catch (error) {
        thrown('endOfTurn', error);
        setTimer(0, safe);
      }
    },
  };
}

function containedObserver(observer: EngineObserver, thrown: Thrown): EngineObserver {
  const attempt = (name: keyof EngineObserver, report: () => unknown): void =>
    callHook(report, (error) => thrown(name, error));
  /** What an observer has returned: usually nothing, but it may be a promise. */
  const returned = (name: keyof EngineObserver, value: unknown): void => {
    if (value !== undefined) attempt(name, () => value);
  };
  const failed = (name: keyof EngineObserver, error: unknown): void =>
    attempt(name, () => {
      throw error;
    });
  return {
    // Without a closure for each call: these are called for each transaction.
    branchResponded(pattern, result, durationMs) {
      try {
        returned('branchResponded', observer.branchResponded(pattern, result, durationMs));
      } catch (error) {
        failed('branchResponded', error);
      }
    },
    transactionFinished(pattern, status, durationMs) {
      try {
        returned('transactionFinished', observer.transactionFinished(pattern, status, durationMs));
      } catch (error) {
        failed('transactionFinished', error);
      }
    },
    transactionAccepted(pattern) {
      try {
        returned('transactionAccepted', observer.transactionAccepted(pattern));
      } catch (error) {
        failed('transactionAccepted', error);
      }
    },
    batchWritten: (items, durationMs, ok) =>
      attempt('batchWritten', () => observer.batchWritten(items, durationMs, ok)),
    claimed: (count) => attempt('claimed', () => observer.claimed(count)),
    tookOver: (count) => attempt('tookOver', () => observer.tookOver(count)),
    storeWentBack: (transactions) => attempt('storeWentBack', () => observer.storeWentBack(transactions)),
    conflicted: () => attempt('conflicted', () => observer.conflicted()),
    alerted: () => attempt('alerted', () => observer.alerted()),
  };
}
