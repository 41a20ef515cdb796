import { isIP } from 'node:net';

/** More than any name or address has, also with each byte written as `%xx`. */
const MAX_LENGTH = 1_024;

/**
 * The host of a URL in the form in which it is checked and connected to: an IPv6 address without
 * brackets, an IPv4 address in decimal (`127.0.0.1` for `127.1`, `0x7f.1` and `2130706433`), a name
 * in lower-case ASCII. Undefined for what cannot be the host of a URL. The rules are those of the
 * WHATWG URL parser, which reads the URLs of HTTP branches.
 */
export function normalHost(text: string): string | undefined {
  if (text.length > MAX_LENGTH) return undefined;
  const isPlainV6 = isIP(text) === 6;
  if (isPlainV6 && text.includes('%')) return undefined;
  const host = isPlainV6 ? `[${text}]` : text;
  // These would end the host, or would be removed by the parser.
  // oxlint-disable-next-line no-control-regex
  if (/[\u0000-\u0020/?#@\\]/.test(host) || (host.includes(':') && !host.startsWith('['))) return undefined;
  const url = `http://${host}/`;
  if (!URL.canParse(url)) return undefined;
  const { hostname, port } = new URL(url);
  if (hostname === '' || port !== '') return undefined;
  return hostname.startsWith('[') ? hostname.slice(1, -1) : hostname;
}

/** A name without the dot that marks it as complete: the form in which names are compared. */
export const comparedName = (host: string): string => (host.endsWith('.') ? host.slice(0, -1) : host);
