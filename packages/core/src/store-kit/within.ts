/*
 * The only timer of this package: a store driver waits for a real server. The engine and the
 * patterns take their timers from the environment.
 */

/**
 * How long a close waits for the calls in progress, and then for the server to end a connection.
 */
export const CLOSE_MS = 2_000;

/** Waits until a promise settles, but at most for `ms`. */
export async function within(ms: number, promise: Promise<unknown> = Promise.resolve()): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise((resolve) => (timer = setTimeout(resolve, ms)));
  await Promise.race([promise.catch(() => undefined), late]);
  clearTimeout(timer);
}
