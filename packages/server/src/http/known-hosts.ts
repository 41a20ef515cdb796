/** Whether a request with this `Host` is meant for this coordinator; undefined: the request has none (HTTP/1.0). */
export type IsKnownHost = (host: string | undefined) => boolean;

export interface KnownHostsOptions {
  /** The address or name that the coordinator listens on. */
  readonly host: string;
  /** Further names, without a port; `*` allows every name. */
  readonly allowedHosts: readonly string[];
}

/**
 * A page can give its own name an address of this machine (DNS rebinding): the browser then sends its requests here, as requests of one site, and only
 * `Host` shows the foreign name. On loopback, where a browser runs beside the coordinator, only the names of loopback and the configured ones are known.
 * Beyond loopback a coordinator has names that it does not know, so all are allowed until some are configured.
 */
export function knownHosts({ host, allowedHosts }: KnownHostsOptions): IsKnownHost {
  if (allowedHosts.includes('*') || (allowedHosts.length === 0 && !isLoopback(host))) return () => true;
  const names = new Set([host, ...allowedHosts].map(plainName));
  // The clients of a coordinator are few, and so are their names for it.
  let last: string | undefined;
  return (header) => {
    if (header === undefined || header === last) return true;
    const name = plainName(header.replace(/:\d*$/, ''));
    if (!isLoopback(name) && !names.has(name) && (isLoopback(host) || !isAddress(name))) return false;
    last = header;
    return true;
  };
}

/** Whether a host, as it is written in options and URLs, is this machine alone. */
export const isLoopback = (host: string): boolean =>
  host === 'localhost' || host === '::1' || host === '[::1]' || /^127(?:\.\d{1,3}){3}$/.test(host);

/** No page can have an address for its name. */
const isAddress = (name: string): boolean => /^(?:\d{1,3}(?:\.\d{1,3}){3}|\[[\da-f:.]+\])$/.test(name);

const plainName = (name: string): string => {
  const lower = name.toLowerCase().replace(/\.$/, '');
  return lower.includes(':') && !lower.startsWith('[') ? `[${lower}]` : lower;
};
