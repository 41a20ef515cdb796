import { withoutSecrets } from '@holdfast/protocol';
import type { ServerConfig } from '@holdfast/server/config';
import type { Log } from '@holdfast/server/logs';

/** Longest wait for an unfinished start after the signal to stop. */
const LONGEST_START_MS = 5_000;

/**
 * Starts a server, unless the signal to stop arrives first. A start in progress, such as a
 * migration, may then finish within `drainTimeout`, 5 s at most; if it fails or takes longer, the
 * result is undefined. The process should then exit, whatever the store is still doing.
 * Rejects if the start fails before the signal.
 */
export async function startedOrStopped<T>(
  { drainTimeout }: Pick<ServerConfig, 'drainTimeout'>,
  log: Log,
  stop: Promise<string>,
  start: () => Promise<T>,
): Promise<T | undefined> {
  let stopped: string | undefined;
  const notified = stop.then((signal) => (stopped = signal));
  // Lets a signal that has already arrived take effect.
  await Promise.resolve();
  if (stopped !== undefined) return undefined;
  let timer: NodeJS.Timeout | undefined;
  const late = notified.then(
    () =>
      new Promise<undefined>((resolve) => {
        timer = setTimeout(() => resolve(undefined), Math.min(drainTimeout, LONGEST_START_MS));
      }),
  );
  const starting = start();
  try {
    const server = await Promise.race([starting, late]);
    if (server === undefined) log.warn({ signal: stopped }, 'shutting down before startup has finished');
    return server;
  } catch (error) {
    if (stopped === undefined) throw error;
    const reason = withoutSecrets(error instanceof Error ? error.message : String(error));
    log.warn({ signal: stopped, error: reason }, 'shutting down; startup has failed');
    return undefined;
  } finally {
    clearTimeout(timer);
    // The result of the start no longer matters to any caller.
    starting.catch(() => undefined);
  }
}
