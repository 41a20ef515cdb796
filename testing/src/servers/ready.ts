import { setTimeout as delay } from 'node:timers/promises';
import type { Child } from './child.ts';

const POLL_INTERVAL_MS = 50;

/**
 * Resolves once `probe` returns true; rejects, with the server's output, if the server ends or is
 * not ready after `timeoutMs`.
 */
export async function untilReady(child: Child, probe: () => Promise<boolean>, timeoutMs: number): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  while (!(await probe())) {
    if (child.ended()) throw new Error(`the server ended while starting:\n${child.output()}`);
    if (performance.now() > deadline)
      throw new Error(`the server is not ready after ${timeoutMs} ms:\n${child.output()}`);
    await delay(POLL_INTERVAL_MS);
  }
}

/** Whether a GET of a URL returns 2xx. */
export async function responds(url: string): Promise<boolean> {
  try {
    const response = await fetch(url);
    await response.arrayBuffer();
    return response.ok;
  } catch {
    return false; // Not listening yet.
  }
}
