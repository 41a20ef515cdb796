import { basicAuthorization, placeOfUrl, problemDetails } from '@holdfast/protocol';
import type { ClientTls } from '@holdfast/client';
import { get } from './get.ts';
import { brokeOff, isOtherProtocol, noTls, PORT_ADVICE } from '../coordinator/command-error-of.ts';
import { type Check, fail, ok, warn } from './finding.ts';

const TOKEN_ADVICE = 'set HOLDFAST_TOKEN, or specify --token-file';
/** The detail of a problem document; undefined for any other text. */
function problemIn(text: string): string | undefined {
  try {
    return problemDetails.safeParse(JSON.parse(text)).data?.detail;
  } catch {
    return undefined;
  }
}

const CUT_OFF_ADVICE = 'see the log of the coordinator, or of the proxy in front of it; or correct --server';

/**
 * Checks a running coordinator: whether it responds, is ready, and has the version of this command.
 */
export const coordinatorCheck = (url: string, ourVersion: string, token?: string, tls?: ClientTls): Check => ({
  name: 'server',
  async run() {
    const start = 'start it with "holdfast serve", or correct --server';
    if (!URL.canParse(url) || !/^https?:/.test(url))
      return [fail('server', `${placeOfUrl(url)} is not an http or https URL`, start)];
    const { origin, pathname, username, password } = new URL(url);
    const root = origin + pathname.replace(/\/+$/, '');
    const authorization = token === undefined ? basicAuthorization({ username, password }) : `Bearer ${token}`;
    const headers = authorization === '' ? {} : { authorization };
    let ready: Awaited<ReturnType<typeof get>>;
    let version: unknown;
    try {
      ready = await get(`${root}/readyz`, headers, tls);
      const response = await get(`${root}/api/dtmsvr/version`, headers, tls);
      // A coordinator that rejects the connection states why.
      const refused = ready.status === 200 || ready.status === 503 ? undefined : problemIn(ready.text);
      if (refused !== undefined) return [fail('server', `${root} rejects the connection`, refused)];
      if (response.status === 401)
        return [fail('server', `${root} rejects the request: no valid API token`, TOKEN_ADVICE)];
      version = (JSON.parse(response.text) as { version?: unknown }).version;
      if (response.status !== 200 || typeof version !== 'string')
        return [fail('server', `${root} is not a Holdfast coordinator (HTTP ${response.status})`, start)];
    } catch (error) {
      if (error instanceof SyntaxError) return [fail('server', `${root} is not a Holdfast coordinator`, start)];
      if (brokeOff(error)) return [fail('server', `${root} did not send a complete response`, CUT_OFF_ADVICE)];
      if (isOtherProtocol(error)) return [fail('server', `${root} does not respond in HTTP/1.1`, PORT_ADVICE)];
      const failed = noTls(root, error);
      if (failed !== undefined) return [fail('server', failed.found, failed.advice)];
      return [fail('server', `no coordinator responds at ${root}`, start)];
    }
    const what = `${root}, version ${version}`;
    if (ready.status !== 200)
      return [fail('server', `${what}: not ready (HTTP ${ready.status})`, 'its store does not respond; see its log')];
    if (version !== ourVersion)
      return [warn('server', what, `this command has version ${ourVersion}; update the older one`)];
    return [ok('server', `${what}: ready`)];
  },
});
