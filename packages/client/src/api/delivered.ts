import { unlessAborted } from './unless-aborted.ts';
import { within } from './within.ts';

/** How long a request is awaited although the signal is aborted. */
const DELIVERY_MS = 500;

/**
 * Waits for a request that must be made although the signal is aborted, such as the submit after a
 * commit. Waits briefly, which suffices if the coordinator responds. The request continues after
 * that, and the signal's reason is thrown.
 */
export async function delivered<T>(request: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  try {
    return await unlessAborted(request, signal);
  } catch (error) {
    if (signal?.aborted !== true) throw error;
    const done = await within(
      DELIVERY_MS,
      request.then((value) => ({ value })),
    );
    if (done === undefined) throw error;
    return done.value;
  }
}
