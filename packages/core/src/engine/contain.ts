import type { AlertHook, BranchCaller, Clock, Logger, Random, Timer } from '../environment.ts';
import type { EngineObserver } from '../observer.ts';

interface Dependencies {
  readonly caller: BranchCaller;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** Absent: none is configured. */
  readonly alert?: AlertHook;
  readonly observer: EngineObserver;
}

/**
 * The engine's dependencies, wrapped so that an exception in one of them, or in the callback of a timer, stays there:
 * it is logged, and neither the process nor a loop of the engine ends. The store is not wrapped: its errors have a
 * meaning, and each caller of the store handles them. A branch caller is handled where branches are called.
 */
export function contained<D extends Dependencies>(dependencies: D): D {
  const logger = containedLogger(dependencies.logger);
  const thrown = (what: string, error: unknown): void =>
    logger.error({ what, error: error instanceof Error ? error.stack : String(error) }, 'a callback or a hook threw');
  const { alert } = dependencies;
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
    // An exception becomes a rejection: the alert was not acknowledged.
    ...(alert !== undefined && { alert: async (raised) => alert(raised) }),
    observer: containedObserver(dependencies.observer, thrown),
  };
}

type Thrown = (what: string, error: unknown) => void;

function containedLogger(logger: Logger): Logger {
  const log =
    (level: keyof Logger): Logger['info'] =>
    (fields, message) => {
      try {
        logger[level](fields, message);
      } catch {
        // There is no other place to write to.
      }
    };
  return { debug: log('debug'), info: log('info'), warn: log('warn'), error: log('error') };
}

/** What cannot be set the first time is set again: the loops of the engine live on their timers. */
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
  return {
    monotonicMs: lastWhenThrown('monotonicMs', () => clock.monotonicMs(), thrown),
    wallMs: lastWhenThrown('wallMs', () => clock.wallMs(), thrown),
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

function lastWhenThrown(what: string, read: () => number, thrown: Thrown): () => number {
  let lastMs = 0;
  return () => {
    try {
      return (lastMs = read());
    } catch (error) {
      thrown(what, error);
      return lastMs;
    }
  };
}

function containedObserver(observer: EngineObserver, thrown: Thrown): EngineObserver {
  const contain =
    <K extends keyof EngineObserver>(name: K) =>
    (...args: Parameters<EngineObserver[K]>): void => {
      try {
        Reflect.apply(observer[name], observer, args);
      } catch (error) {
        thrown(name, error);
      }
    };
  return {
    branchAnswered: contain('branchAnswered'),
    batchWritten: contain('batchWritten'),
    transactionFinished: contain('transactionFinished'),
    transactionAccepted: contain('transactionAccepted'),
    claimed: contain('claimed'),
    tookOver: contain('tookOver'),
    storeWentBack: contain('storeWentBack'),
    conflicted: contain('conflicted'),
    alerted: contain('alerted'),
  };
}
