import { basicAuthorization, placeOfUrl } from '@holdfast/protocol';
import { brokeOff } from '../coordinator/command-error-of.ts';
import { type Check, fail, ok, warn } from './finding.ts';

const TIMEOUT_MS = 5_000;
const TOKEN_ADVICE = 'set HOLDFAST_TOKEN, or specify --token-file';
const CUT_OFF_ADVICE = 'see the log of the coordinator, or of the proxy in front of it; or correct --server';

/**
 * Checks a running coordinator: whether it responds, is ready, and has the version of this command.
 */
export const coordinatorCheck = (url: string, ourVersion: string, token?: string): Check => ({
  name: 'server',
  async run() {
    const start = 'start it with "holdfast serve", or correct --server';
    if (!URL.canParse(url) || !/^https?:/.test(url))
      return [fail('server', `${placeOfUrl(url)} is not an http or https URL`, start)];
    const { origin, pathname, username, password } = new URL(url);
    const root = origin + pathname.replace(/\/+$/, '');
    // `fetch` rejects a URL that contains credentials.
    const authorization = token === undefined ? basicAuthorization({ username, password }) : `Bearer ${token}`;
    const headers = authorization === '' ? {} : { authorization };
    let ready: Response;
    let version: unknown;
    try {
      ready = await fetch(`${root}/readyz`, { headers, signal: AbortSignal.timeout(TIMEOUT_MS) });
      const response = await fetch(`${root}/api/dtmsvr/version`, { headers, signal: AbortSignal.timeout(TIMEOUT_MS) });
      if (response.status === 401)
        return [fail('server', `${root} rejects the request: no valid API token`, TOKEN_ADVICE)];
      version = ((await response.json()) as { version?: unknown }).version;
    } catch (error) {
      if (error instanceof SyntaxError) return [fail('server', `${root} is not a Holdfast coordinator`, start)];
      // `fetch` wraps the error of the connection.
      const cause = error instanceof TypeError ? error.cause : error;
      if (brokeOff(cause)) return [fail('server', `${root} did not send a complete response`, CUT_OFF_ADVICE)];
      return [fail('server', `no coordinator responds at ${root}`, start)];
    }
    const what = `${root}, version ${String(version)}`;
    if (!ready.ok)
      return [fail('server', `${what}: not ready (HTTP ${ready.status})`, 'its store does not respond; see its log')];
    if (version !== ourVersion)
      return [warn('server', what, `this command has version ${ourVersion}; update the older one`)];
    return [ok('server', `${what}: ready`)];
  },
});
