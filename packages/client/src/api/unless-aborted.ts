/** Waits for what was begun, unless the signal comes first; then it goes on, and the signal's own reason is thrown. */
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
    // Nobody waits any more for what it may throw.
    promise.catch(() => undefined);
  }
}
