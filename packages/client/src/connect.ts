import { namesOf, requireKnownNames } from '@holdfast/protocol';
import { httpApi } from './api/http-api.ts';
import { type Holdfast, holdfast } from './holdfast.ts';
import { type ConnectOptions, DEFAULT_CONNECT_OPTIONS } from './options.ts';

/**
 * A client of the coordinator at `url`, such as `http://127.0.0.1:36789`. Connections are made when
 * they are needed; one client serves a whole process. Close it at the end.
 *
 * @throws {TypeError} the URL is not an http or https one, or an option is unknown
 */
export function connect(url: string, options: ConnectOptions = {}): Holdfast {
  requireKnownNames(options, OPTION_NAMES, 'connect()');
  const complete = { ...DEFAULT_CONNECT_OPTIONS, ...options };
  return holdfast(httpApi(url, complete), complete.waitTimeoutMs, complete);
}

const OPTION_NAMES = namesOf<ConnectOptions>({
  callbackUrl: true,
  connections: true,
  requestTimeoutMs: true,
  retryForMs: true,
  waitTimeoutMs: true,
  headers: true,
});
