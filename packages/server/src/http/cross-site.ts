import type { IncomingHttpHeaders } from 'node:http';

/**
 * Says why a request is not taken that a web page of another site makes a browser send: without authentication any page that somebody here looks at could
 * otherwise start transactions, which call URLs. Clients that are no browsers send neither header.
 */
export function crossSiteFault(headers: IncomingHttpHeaders): string | undefined {
  if (headers['sec-fetch-site'] === 'cross-site') return REASON;
  const { origin } = headers;
  if (origin === undefined) return undefined;
  const host = URL.canParse(origin) ? new URL(origin).host : '';
  return host !== '' && host === headers.host ? undefined : REASON;
}

const REASON = 'requests of web pages of other sites are refused';
