import type { IncomingHttpHeaders } from 'node:http';

/**
 * Returns why a request from a web page of another site is rejected. Without authentication, any
 * page opened on this machine could otherwise start transactions, which call URLs. Clients other
 * than browsers send neither header. A different port of the same host is another site, too.
 */
export function crossSiteFault(headers: IncomingHttpHeaders): string | undefined {
  const site = headers['sec-fetch-site'];
  if (site !== undefined && site !== 'same-origin' && site !== 'none') return REASON;
  const { origin } = headers;
  if (origin === undefined) return undefined;
  const host = URL.canParse(origin) ? new URL(origin).host : '';
  return host !== '' && host === headers.host ? undefined : REASON;
}

const REASON = 'requests from web pages of other sites are rejected';

/**
 * Whether a browser sent the request. Every browser's user agent begins with Mozilla, and a page
 * cannot change it for a link, an image or a form; for other requests browsers send the site.
 */
export const isFromBrowser = (headers: IncomingHttpHeaders): boolean =>
  headers['sec-fetch-site'] !== undefined ||
  headers.origin !== undefined ||
  /^mozilla\//i.test(headers['user-agent'] ?? '');
