import dns from 'node:dns';
import { networkInterfaces } from 'node:os';
import { type Hosts, parseHosts, WatchedFile } from './hosts-file.ts';
import { candidatesOf, parseResolverConfig, type ResolverConfig } from './resolver-config.ts';

/** The addresses of a name, in the order in which to try them, and how long they may be cached. */
export interface Resolved {
  readonly addresses: readonly string[];
  readonly keepMs: number;
}

export interface Resolving {
  readonly result: Promise<Resolved>;
  /**
   * Cancels the lookup: the result rejects soon, and nothing keeps the process alive afterwards.
   */
  cancel(): void;
}

/** Resolves a name; see `resolverLookup` and `systemLookup`. */
export type ResolveName = (name: string) => Resolving;

const HOSTS_KEEP_MS = 5_000;
const SYSTEM_KEEP_MS = 10_000;
/** Timeout of one query to one server, doubled with each try. */
const QUERY_TIMEOUT_MS = 1_500;
const QUERY_TRIES = 3;
/** How long addresses of one family wait for those of the other (RFC 8305, 3). */
const OTHER_FAMILY_MS = 50;

/** Codes for a name that does not exist or has no address; another source may have it. */
const NOT_THERE: ReadonlySet<unknown> = new Set([dns.NOTFOUND, dns.NODATA, dns.BADNAME, dns.CONNREFUSED]);

export interface ResolverFiles {
  readonly hosts: { readonly value: Hosts };
  readonly config: { readonly value: ResolverConfig };
}

/**
 * Resolves names as glibc does with `hosts: files dns`, but with c-ares on the event loop:
 * `getaddrinfo` runs on the few threads of the process, where two slow names block all others,
 * including those of databases. Names that are neither in the hosts file nor in DNS are resolved by
 * `fallback`, which has the system's other sources (mDNS, LDAP).
 */
export function resolverLookup(
  fallback: ResolveName,
  { hosts, config }: ResolverFiles = SYSTEM_FILES,
  servers?: readonly string[],
): ResolveName {
  return (name) => {
    const known = hosts.value.get(name.toLowerCase());
    if (known !== undefined) return settled({ addresses: known, keepMs: HOSTS_KEEP_MS });
    if (/^(?:.+\.)?localhost\.?$/i.test(name))
      return settled({ addresses: ['127.0.0.1', '::1'], keepMs: HOSTS_KEEP_MS });
    const resolver = new dns.promises.Resolver({ timeout: QUERY_TIMEOUT_MS, tries: QUERY_TRIES });
    if (servers !== undefined) resolver.setServers(servers);
    let isCancelled = false;
    let cancel = (): void => {
      isCancelled = true;
      resolver.cancel();
    };
    const names = candidatesOf(name, config.value);
    const result = queryAll(resolver, names, () => isCancelled).catch((error: unknown) => {
      if (isCancelled || !NOT_THERE.has(codeOf(error))) throw error;
      const second = fallback(name);
      cancel = () => second.cancel();
      return second.result;
    });
    return { result, cancel: () => cancel() };
  };
}

const SYSTEM_FILES: ResolverFiles = {
  hosts: new WatchedFile('/etc/hosts', parseHosts),
  config: new WatchedFile('/etc/resolv.conf', parseResolverConfig),
};

/** Resolves the first of these names that has an address. */
async function queryAll(
  resolver: dns.promises.Resolver,
  names: readonly string[],
  isCancelled: () => boolean,
): Promise<Resolved> {
  let failure: unknown;
  for (const name of names) {
    try {
      return await query(resolver, name);
    } catch (error) {
      if (isCancelled()) throw error;
      // As in glibc, a name whose query failed does not hide the next one, but is reported if none
      // resolves.
      if (failure === undefined || !NOT_THERE.has(codeOf(error))) failure = error;
    }
  }
  throw failure;
}

type Records = readonly { readonly address: string; readonly ttl: number }[];

async function query(resolver: dns.promises.Resolver, name: string): Promise<Resolved> {
  const [four, six] = [resolver.resolve4(name, { ttl: true }), resolver.resolve6(name, { ttl: true })];
  await Promise.any([four, six]).catch((error: unknown) => {
    const failures: readonly unknown[] = error instanceof AggregateError ? error.errors : [error];
    throw failures.find((failure) => !NOT_THERE.has(codeOf(failure))) ?? failures[0];
  });
  const [fours, sixes] = await Promise.all([soon(four), soon(six)]);
  const records = hasGlobalIpv6() ? [...sixes, ...fours] : [...fours, ...sixes];
  return {
    addresses: records.map(({ address }) => address),
    keepMs: Math.min(...records.map(({ ttl }) => ttl)) * 1_000,
  };
}

/** The records, if they arrive soon enough. */
function soon(records: Promise<Records>): Promise<Records> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve([]), OTHER_FAMILY_MS);
    const end = (value: Records): void => {
      clearTimeout(timer);
      resolve(value);
    };
    records.then(end, () => end([]));
  });
}

/**
 * Without a global IPv6 address, IPv6 addresses are tried last, as `getaddrinfo` sorts them (RFC
 * 6724).
 */
const hasGlobalIpv6 = (): boolean =>
  Object.values(networkInterfaces()).some((addresses) =>
    addresses?.some(({ family, internal, address }) => family === 'IPv6' && !internal && !/^fe[89ab]/i.test(address)),
  );

/**
 * Resolves names by `getaddrinfo`, one name at a time: libuv runs it on half of its threads, which
 * the whole process shares, so one stays free. The lookup in progress cannot be cancelled.
 */
export function systemLookup(): ResolveName {
  let last: Promise<unknown> = Promise.resolve();
  return (name) => {
    let isCancelled = false;
    const result = last.then(async (): Promise<Resolved> => {
      if (isCancelled) throw new Error('the lookup was cancelled');
      const found = await dns.promises.lookup(name, { all: true });
      return { addresses: found.map(({ address }) => address), keepMs: SYSTEM_KEEP_MS };
    });
    last = result.catch(() => undefined);
    return { result, cancel: () => (isCancelled = true) };
  };
}

const settled = (resolved: Resolved): Resolving => ({ result: Promise.resolve(resolved), cancel: () => undefined });

const codeOf = (error: unknown): unknown =>
  typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
