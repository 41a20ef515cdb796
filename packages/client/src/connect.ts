import { namesOf, requireKnownNames } from '@holdfast/protocol';
import type { ConnectedApi } from './api/api.ts';
import { grpcApi } from './api/grpc-api.ts';
import { httpApi } from './api/http-api.ts';
import { within } from './api/within.ts';
import { type Holdfast, holdfast } from './holdfast.ts';
import { LONGEST_TIMER_MS } from './longest-timer.ts';
import { type ConnectOptions, DEFAULT_CONNECT_OPTIONS } from './options.ts';
import { WorkInProgress } from './work-in-progress.ts';

/**
 * A client of the coordinator at `url`, such as `http://127.0.0.1:36789`, or over gRPC
 * `grpc://127.0.0.1:36790` (`grpcs://` with TLS), for which the package `@grpc/grpc-js` must be
 * installed. Connections are made when they are needed; one client serves a whole process. Close it
 * at the end.
 *
 * @throws {TypeError} the URL is none of http, https, grpc and grpcs, or an option is unknown or
 *   not a number of at least 0
 */
export function connect(url: string, options: ConnectOptions = {}): Holdfast {
  requireKnownNames(options, OPTION_NAMES, 'connect()');
  const complete = completed(options);
  const api = /^grpcs?:/i.test(url) ? grpcApi(url, complete) : httpApi(url, complete);
  const work = new WorkInProgress({ name: api.name, why: 'this client was closed', includesWait: true });
  let closing: Promise<void> | undefined;
  const close = () => (closing ??= drainAndClose(api, work, complete.drainMs));
  return holdfast({ ...api, close }, complete.waitTimeoutMs, { ...complete, work });
}

/** The options, with the defaults of those that are missing or undefined. */
function completed(options: ConnectOptions) {
  const given = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
  const complete = { ...DEFAULT_CONNECT_OPTIONS, ...(given as ConnectOptions) };
  for (const name of NUMBERS) {
    const value: unknown = complete[name];
    if (typeof value === 'number' && value >= 0) continue;
    const shown = typeof value === 'number' ? value : (JSON.stringify(value) ?? typeof value);
    throw new TypeError(`connect(): ${name} must be a number of 0 or more, not ${shown}`);
  }
  return complete;
}

const NUMBERS = ['connections', 'drainMs', 'requestTimeoutMs', 'retryForMs', 'waitTimeoutMs'] as const;

async function drainAndClose(api: ConnectedApi, work: WorkInProgress, drainMs: number): Promise<void> {
  const deadlineMs = performance.now() + drainMs;
  await work.close(drainMs);
  await within(Math.max(0, Math.min(deadlineMs - performance.now(), LONGEST_TIMER_MS)), api.close());
  await api.destroy();
}

const OPTION_NAMES = namesOf<ConnectOptions>({
  callbackUrl: true,
  drainMs: true,
  connections: true,
  requestTimeoutMs: true,
  retryForMs: true,
  waitTimeoutMs: true,
  headers: true,
  token: true,
  namespace: true,
  signingKeys: true,
  secrets: true,
  tls: true,
});
