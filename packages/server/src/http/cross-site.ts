import type { IncomingHttpHeaders } from 'node:http';

/**
 * Says why a request is not taken that a web page of another site makes a browser send: without authentication any page that somebody here looks at could
 * otherwise start transactions, which call URLs. Clients that are no browsers send neither header. Another port of the same host is another site, too.
 */
export function crossSiteFault(headers: IncomingHttpHeaders): string | undefined {
  const site = headers['sec-fetch-site'];
  if (site !== undefined && site !== 'same-origin' && site !== 'none') return REASON;
  const { origin } = headers;
  if (origin === undefined) return undefined;
  const host = URL.canParse(origin) ? new URL(origin).host : '';
  return host !== '' && host === headers.host ? undefined : REASON;
}

const REASON = 'requests of web pages of other sites are refused';

/**
 * Whether a browser sent a request. Every browser calls itself Mozilla, and no page can change that for a link, an image or a form; browsers that tell more
 * tell the site.
 */
export const isFromBrowser = (headers: IncomingHttpHeaders): boolean =>
  headers['sec-fetch-site'] !== undefined ||
  headers.origin !== undefined ||
  /^mozilla\//i.test(headers['user-agent'] ?? '');
