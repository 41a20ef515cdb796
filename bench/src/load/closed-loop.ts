import { Client } from 'undici';
import { ResponseHandler } from './response-handler.ts';
import { LatencyHistogram } from './latency-histogram.ts';
import { RESPONSE_TIMEOUT_SECONDS, type LoadResult } from './load.ts';
import { SUCCESS_MARK } from './saga.ts';

/** One POST. */
export interface Post {
  readonly path: string;
  readonly body: string;
}

export interface ClosedLoopOptions {
  readonly target: string;
  readonly connections: number;
  /** The n-th request, from 1; undefined: no more. */
  readonly next: (n: number) => Post | undefined;
  /** Seconds after which nothing is sent. */
  readonly seconds: number;
  readonly token?: string | undefined;
  /** PEM of the authority of an `https:` target. */
  readonly authority?: string | undefined;
}

const HEADERS = ['content-type', 'application/json'];

/**
 * Runs callers that each post, wait for the response and post again, until there is nothing more to
 * post or the time has expired.
 */
export async function runClosedLoop(options: ClosedLoopOptions): Promise<LoadResult> {
  const { target, connections, next, seconds, token, authority } = options;
  const headers = token === undefined ? HEADERS : [...HEADERS, 'authorization', `Bearer ${token}`];
  const latencies = new LatencyHistogram();
  const counts = { responses: 0, status: 0, body: 0, socket: 0, sent: 0 };
  const startMs = performance.now();
  const endMs = startMs + seconds * 1000;
  const judge = (status: number, body: string): void => {
    counts.responses += 1;
    if (status >= 400) counts.status += 1;
    else if (status >= 300 || !body.includes(SUCCESS_MARK)) counts.body += 1;
  };

  const caller = async (): Promise<void> => {
    const client = new Client(target, {
      headersTimeout: RESPONSE_TIMEOUT_SECONDS * 1000,
      bodyTimeout: RESPONSE_TIMEOUT_SECONDS * 1000,
      ...(authority !== undefined && { connect: { ca: authority } }),
    });
    while (performance.now() < endMs) {
      const post = next((counts.sent += 1));
      if (post === undefined) break;
      const sentMs = performance.now();
      const responded = await send(client, headers, post, judge);
      if (responded) latencies.add(performance.now() - sentMs);
      else counts.socket += 1;
    }
    await client.close();
  };
  await Promise.all(Array.from({ length: connections }, caller));

  return {
    seconds: (performance.now() - startMs) / 1000,
    completed: counts.responses - counts.status - counts.body,
    p50Ms: latencies.percentileMs(50),
    p99Ms: latencies.percentileMs(99),
    statusErrors: counts.status,
    bodyErrors: counts.body,
    socketErrors: counts.socket,
  };
}

/** Resolves to false if no response came. */
function send(
  client: Client,
  headers: string[],
  { path, body }: Post,
  onResponse: (status: number, body: string) => void,
): Promise<boolean> {
  return new Promise((resolve) => {
    const handler = new ResponseHandler(
      (status, text) => {
        onResponse(status, text);
        resolve(true);
      },
      () => resolve(false),
    );
    client.dispatch({ path, method: 'POST', headers, body }, handler);
  });
}
