/**
 * Whether a request with this `Host` is meant for this coordinator; undefined: the request has none
 * (HTTP/1.0).
 */
export type IsKnownHost = (host: string | undefined) => boolean;

export interface KnownHostsOptions {
  /** The address or name that the coordinator listens on. */
  readonly host: string;
  /** Additional names, without a port; `*` allows every name. */
  readonly allowedHosts: readonly string[];
}

/**
 * Protects against DNS rebinding: a page can map its own name to an address of this machine. The
 * browser then treats requests to this coordinator as same-site, and only `Host` shows the foreign
 * name. On loopback, where browsers run beside the coordinator, only loopback names and configured
 * names are accepted. Beyond loopback a coordinator cannot know all its names, so every name is
 * accepted until some are configured.
 */
export function knownHosts({ host, allowedHosts }: KnownHostsOptions): IsKnownHost {
  if (allowedHosts.includes('*') || (allowedHosts.length === 0 && !isLoopback(host))) return () => true;
  const names = new Set([host, ...allowedHosts].map(plainName));
  // A coordinator has few clients, which use few names for it.
  let last: string | undefined;
  return (header) => {
    if (header === undefined || header === last) return true;
    const name = plainName(header.replace(/:\d*$/, ''));
    if (!isLoopback(name) && !names.has(name) && (isLoopback(host) || !isAddress(name))) return false;
    last = header;
    return true;
  };
}

/** Whether a host, as written in options and URLs, is this machine only. */
export const isLoopback = (host: string): boolean =>
  host === 'localhost' || host === '::1' || host === '[::1]' || /^127(?:\.\d{1,3}){3}$/.test(host);

/** A page's name cannot be an address. */
const isAddress = (name: string): boolean => /^(?:\d{1,3}(?:\.\d{1,3}){3}|\[[\da-f:.]+\])$/.test(name);

const plainName = (name: string): string => {
  const lower = name.toLowerCase().replace(/\.$/, '');
  return lower.includes(':') && !lower.startsWith('[') ? `[${lower}]` : lower;
};
