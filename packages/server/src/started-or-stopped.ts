import { withoutSecrets } from '@holdfast/protocol';
import type { ServerConfig } from './config/options.ts';
import type { Log } from './logs/log.ts';

/** The longest that a start under way is waited for after the signal to stop. */
const LONGEST_START_MS = 5_000;

/**
 * Starts a server, unless the signal to stop arrives first. Then a start that is under way, such as
 * a migration, may finish within `drainTimeout`, 5 s at most; after that, or if the start fails
 * meanwhile, there is no server: undefined. The process is to end then, whatever the store still
 * does.
 *
 * Rejects when the start fails before the signal.
 */
export async function startedOrStopped<T>(
  { drainTimeout }: Pick<ServerConfig, 'drainTimeout'>,
  log: Log,
  stop: Promise<string>,
  start: () => Promise<T>,
): Promise<T | undefined> {
  let stopped: string | undefined;
  const told = stop.then((signal) => (stopped = signal));
  // A signal that arrived before is noticed now.
  await Promise.resolve();
  if (stopped !== undefined) return undefined;
  let timer: NodeJS.Timeout | undefined;
  const late = told.then(
    () =>
      new Promise<undefined>((resolve) => {
        timer = setTimeout(() => resolve(undefined), Math.min(drainTimeout, LONGEST_START_MS));
      }),
  );
  const starting = start();
  try {
    const server = await Promise.race([starting, late]);
    if (server === undefined) log.warn({ signal: stopped }, 'stopping before the start has finished');
    return server;
  } catch (error) {
    if (stopped === undefined) throw error;
    const reason = withoutSecrets(error instanceof Error ? error.message : String(error));
    log.warn({ signal: stopped, error: reason }, 'stopping; the start has failed');
    return undefined;
  } finally {
    clearTimeout(timer);
    // What becomes of the start after this is of no use to any caller.
    starting.catch(() => undefined);
  }
}
