import { get } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';

const POLL_MS = 5;
const REQUEST_TIMEOUT_MS = 2_000;

/** Status of a GET; undefined without a response. */
function statusOf(url: string): Promise<number | undefined> {
  return new Promise((resolve) => {
    const request = get(url, { agent: false, timeout: REQUEST_TIMEOUT_MS }, (response) => {
      response.resume();
      resolve(response.statusCode);
    });
    request.once('timeout', () => request.destroy());
    request.once('error', () => resolve(undefined));
  });
}

/**
 * Waits until a GET of `url` returns 200. `failed` returns why waiting is pointless. Throws after
 * `timeoutMs`.
 */
export async function waitForOk(
  url: string,
  timeoutMs: number,
  failed: () => string | undefined = () => undefined,
): Promise<void> {
  const endMs = performance.now() + timeoutMs;
  while ((await statusOf(url)) !== 200) {
    const reason = failed();
    if (reason !== undefined) throw new Error(reason);
    if (performance.now() > endMs) throw new Error(`${url} did not respond with HTTP 200 within ${timeoutMs} ms`);
    await delay(POLL_MS);
  }
}
