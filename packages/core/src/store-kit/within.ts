/**
 * How long a close waits for the calls in progress, and then for the server to end a connection.
 */
export const CLOSE_MS = 2_000;

/** Waits until a promise settles, but at most for `ms`. */
export async function within(ms: number, promise: Promise<unknown> = Promise.resolve()): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise((resolve) => (timer = setTimeout(resolve, ms)));
  await Promise.race([promise.catch(() => undefined), late]);
  clearTimeout(timer);
}
