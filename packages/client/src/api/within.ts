import { setTimeout } from 'node:timers/promises';

/** What a promise resolves to; undefined: it takes longer. Then its rejection is not an error. */
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
