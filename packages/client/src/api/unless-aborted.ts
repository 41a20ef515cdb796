/**
 * Waits for a promise unless the signal aborts first; then the work continues, and the signal's
 * reason is thrown.
 */
export async function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return promise;
  let hangUp = (): void => undefined;
  const aborted = new Promise<never>((_, reject) => {
    hangUp = () => reject(signal.reason as Error);
    signal.addEventListener('abort', hangUp, { once: true });
    if (signal.aborted) hangUp();
  });
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    signal.removeEventListener('abort', hangUp);
    // Its rejection is no longer awaited.
    promise.catch(() => undefined);
  }
}
