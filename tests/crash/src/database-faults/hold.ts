import { setTimeout as delay } from 'node:timers/promises';
import type { FaultEffect, FaultTools } from './faulty-database.ts';

/**
 * Interval between two queries for waiting statements. MariaDB refreshes its list of lock waits
 * only if the last query for it was more than 100 ms ago: with a shorter interval, the list would
 * stay as it was before anything waited.
 */
const EVERY_MS = 150;
const KILLS = 8;
const LONGEST_PAUSE_MS = 400;
/** A key-value can be changed again within this time after its lock was released. */
const PATIENCE_MS = 20_000;

/** Takes locks, holds them, and counts who waits for them. */
export interface Lock {
  /** Resolves to the number of locked things when they are locked. */
  readonly take: () => Promise<number>;
  /** Number of statements that wait now. */
  readonly waiting: () => Promise<number>;
  readonly release: () => Promise<unknown>;
}

/** Holds a lock for some time; a statement that waits for it is a hit. */
export async function hold({ take, waiting, release }: Lock, lastsMs: number, what: string): Promise<FaultEffect> {
  const locked = await take();
  const fromMs = Date.now();
  let most = 0;
  // If there was nothing to be locked, the fault is repeated.
  const endMs = locked > 0 ? fromMs + lastsMs : fromMs;
  while (Date.now() < endMs) {
    most = Math.max(most, await waiting());
    await delay(EVERY_MS);
  }
  const untilMs = Date.now();
  await release();
  return { fromMs, untilMs, hits: most, what: `statements at once waited for ${locked} ${what}` };
}

/**
 * Has a key-value changed while the key-values are locked, by every coordinator, since some may be
 * paused or killed. These changes may fail, but the next one must not.
 */
export async function whileKeyValueChanges(
  { changeKeyValue, changeEverywhere }: FaultTools,
  holdLocks: (change: () => void) => Promise<FaultEffect>,
): Promise<FaultEffect> {
  // There must be one that can be locked.
  await untilChanged(changeKeyValue);
  let changing: Promise<unknown> = Promise.resolve();
  const effect = await holdLocks(() => void (changing = changeEverywhere()));
  await changing;
  await untilChanged(changeKeyValue);
  return effect;
}

async function untilChanged(change: () => Promise<boolean>): Promise<void> {
  const untilMs = performance.now() + PATIENCE_MS;
  while (!(await change())) {
    if (performance.now() > untilMs) throw new Error('no coordinator changes a key-value, though none is locked');
    await delay(EVERY_MS);
  }
}

/** Closes connections several times, at random moments. */
export async function killRepeatedly(kill: () => Promise<number>): Promise<FaultEffect> {
  const fromMs = Date.now();
  let hits = 0;
  for (let i = 0; i < KILLS; i++) {
    hits += await kill();
    await delay(Math.random() * LONGEST_PAUSE_MS);
  }
  return { fromMs, untilMs: Date.now(), hits, what: 'connections closed' };
}

/** A fault that is over when its statements are. */
export async function once(run: () => Promise<number>, what: string): Promise<FaultEffect> {
  const fromMs = Date.now();
  const hits = await run();
  return { fromMs, untilMs: Date.now(), hits, what };
}
