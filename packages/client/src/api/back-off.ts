import { setTimeout } from 'node:timers/promises';

const FIRST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 2_000;

/**
 * The pause after the n-th attempt (from 1): doubling, half of it random, so that clients do not
 * return simultaneously.
 */
export function backOff(attempt: number): number {
  const fullMs = Math.min(FIRST_PAUSE_MS * 2 ** (attempt - 1), LONGEST_PAUSE_MS);
  return fullMs / 2 + (Math.random() * fullMs) / 2;
}

/** Sleeps; an aborted signal ends the pause with the signal's reason. */
export async function pause(pauseMs: number, signal: AbortSignal | undefined): Promise<void> {
  try {
    await setTimeout(pauseMs, undefined, signal === undefined ? {} : { signal });
  } catch (error) {
    signal?.throwIfAborted();
    throw error;
  }
}
