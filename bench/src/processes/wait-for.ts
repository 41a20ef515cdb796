import { get, type IncomingMessage } from 'node:http';
import { get as getSecurely } from 'node:https';
import { setTimeout as delay } from 'node:timers/promises';

const POLL_MS = 5;
const REQUEST_TIMEOUT_MS = 2_000;

/** Status of a GET; undefined without a response. */
function statusOf(url: string, authority: string | undefined): Promise<number | undefined> {
  return new Promise((resolve) => {
    const options = { agent: false, timeout: REQUEST_TIMEOUT_MS } as const;
    const responded = (response: IncomingMessage): void => {
      response.resume();
      resolve(response.statusCode);
    };
    const request =
      authority === undefined
        ? get(url, options, responded)
        : getSecurely(url, { ...options, ca: authority }, responded);
    request.once('timeout', () => request.destroy());
    request.once('error', () => resolve(undefined));
  });
}

/**
 * Waits until a GET of `url` returns 200. `failed` returns why waiting is pointless. Throws after
 * `timeoutMs`.
 *
 * @param authority PEM of the authority of an `https:` URL
 */
export async function waitForOk(
  url: string,
  timeoutMs: number,
  failed: () => string | undefined = () => undefined,
  authority?: string,
): Promise<void> {
  const endMs = performance.now() + timeoutMs;
  while ((await statusOf(url, authority)) !== 200) {
    const reason = failed();
    if (reason !== undefined) throw new Error(reason);
    if (performance.now() > endMs) throw new Error(`${url} did not respond with HTTP 200 within ${timeoutMs} ms`);
    await delay(POLL_MS);
  }
}
