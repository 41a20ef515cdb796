import { setTimeout } from 'node:timers/promises';

/**
 * Resolves to the promise's value, or to undefined if it takes longer; a later rejection is
 * ignored.
 */
export async function within<T>(timeoutMs: number, promise: Promise<T>): Promise<T | undefined> {
  const stop = new AbortController();
  const late = setTimeout(timeoutMs, undefined, { signal: stop.signal }).catch(() => undefined);
  try {
    return await Promise.race([promise, late]);
  } finally {
    stop.abort();
    promise.catch(() => undefined);
  }
}
