import { isIP } from 'node:net';
import type { ConnectionOptions } from 'node:tls';
import { checkedTimeout, decodeUrlPart, readStoreUrl, SESSION_TIMEOUT_MS, StoreError } from '@holdfast/core';
import { callHook } from '@holdfast/protocol';

/** Settings of the store on Redis. */
export interface RedisStoreOptions {
  /**
   * `redis://user:password@host:port/db`, `rediss://` for TLS, or `redis+unix://user:password@/PATH?db=N` (also `unix:`) for a socket of this machine.
   * Parameters: `prefix=NAME` is what all keys begin with; `tls={"ca":…}`, with `rediss://`, is JSON of the options of Node's `tls.connect`.
   */
  readonly url: string;
  /** What all keys begin with, as their hash tag; `holdfast` unless this or the URL says otherwise. */
  readonly prefix?: string;
  /** How long a connection may take to come up; 5 s unless said. */
  readonly connectTimeoutMs?: number;
  /** How long an answer may take before the connection is given up; 30 s unless said. */
  readonly commandTimeoutMs?: number;
  /** Hears, at each `open`, what a crash of Redis may lose. */
  readonly onWarning?: (text: string) => void;
  /** Replaces the server's wall clock, ms since the epoch: for tests. */
  readonly wallMs?: () => number;
  /** Replaces the node's monotonic clock, in ms: for tests. */
  readonly monotonicMs?: () => number;
}

/** Where the server is: a host, or a socket of this machine. */
export type ServerAddress =
  { readonly host: string; readonly port: number; readonly tls?: ConnectionOptions } | { readonly path: string };

/** Options, checked. */
export interface Settings {
  readonly server: ServerAddress;
  readonly account: { readonly user: string | undefined; readonly password: string } | undefined;
  readonly database: number;
  /** Host, port and database, for messages. */
  readonly place: string;
  readonly prefix: string;
  readonly connectTimeoutMs: number;
  readonly commandTimeoutMs: number;
  readonly onWarning: (text: string) => void;
  readonly wallMs: (() => number) | undefined;
  readonly monotonicMs: () => number;
}

/** Without braces, so that it is the whole hash tag. */
const PREFIX = /^[A-Za-z0-9_.:-]{1,64}$/;

const invalid = (message: string): StoreError => new StoreError('invalid', message);

/** The settings of the connection for sessions: neither a script nor connecting may take long. */
export const forSessions = (settings: Settings): Settings => ({
  ...settings,
  connectTimeoutMs: Math.min(settings.connectTimeoutMs, SESSION_TIMEOUT_MS),
  commandTimeoutMs: Math.min(settings.commandTimeoutMs, SESSION_TIMEOUT_MS),
});

const DEFAULT_PORT = 6379;
const SOCKET_SCHEMES = ['unix:', 'redis+unix:'];
const SCHEMES = ['redis:', 'rediss:', ...SOCKET_SCHEMES];
const EXAMPLE = 'redis://user:password@host:6379/0';
const DATABASE = /^\d{1,5}$/;

/** Checks options. Throws `StoreError` `invalid`; no message repeats the URL, for a password may stand in it. */
export function settingsOf(options: RedisStoreOptions): Settings {
  // A URL with an account has a host, also where it is of no use.
  const text = options.url.replace(/^((?:redis\+)?unix:\/\/[^/?#]*@)(?=\/)/i, '$1localhost');
  const url = readStoreUrl(text, SCHEMES, EXAMPLE);
  const bySocket = SOCKET_SCHEMES.includes(url.protocol);
  // The client would take any setting from here, such as one that queues writes behind our back.
  for (const name of url.searchParams.keys())
    if (!['prefix', bySocket ? 'db' : 'tls'].includes(name))
      throw invalid(
        `the store URL has the parameter ${JSON.stringify(name)}; known are prefix and ${bySocket ? 'db' : 'tls'}`,
      );
  const prefix = options.prefix ?? url.searchParams.get('prefix') ?? 'holdfast';
  if (!PREFIX.test(prefix))
    throw invalid(`the key prefix ${JSON.stringify(prefix)} cannot be used: 1 to 64 of letters, digits, _ . : and -`);
  return {
    ...(bySocket ? socketOf(url) : hostOf(url)),
    account: accountOf(url),
    prefix,
    connectTimeoutMs: checkedTimeout('connectTimeoutMs', options.connectTimeoutMs ?? 5_000),
    commandTimeoutMs: checkedTimeout('commandTimeoutMs', options.commandTimeoutMs ?? 30_000),
    onWarning: (warning) => callHook(() => options.onWarning?.(warning)),
    wallMs: options.wallMs,
    monotonicMs: options.monotonicMs ?? performance.now.bind(performance),
  };
}

type Where = Pick<Settings, 'server' | 'database' | 'place'>;

function hostOf(url: URL): Where {
  const database = url.pathname.slice(1) || '0';
  if (!DATABASE.test(database)) throw invalid('the path of a store URL of Redis is the number of a database');
  if (url.hostname === '') throw invalid(`the store URL names no host; it looks like ${EXAMPLE}`);
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1');
  const port = url.port === '' ? DEFAULT_PORT : Number(url.port);
  const tls = tlsOf(url, host);
  return {
    server: { host, port, ...(tls !== undefined && { tls }) },
    database: Number(database),
    place: url.host + (database === '0' ? '' : `/${database}`),
  };
}

function socketOf(url: URL): Where {
  const path = decodeUrlPart(url.pathname);
  if (!['', 'localhost'].includes(url.hostname) || !path.startsWith('/') || path === '/')
    throw invalid('the store URL of a socket looks like redis+unix:///run/redis/redis.sock?db=0');
  const database = url.searchParams.get('db') ?? '0';
  if (!DATABASE.test(database)) throw invalid('the parameter db of the store URL is the number of a database');
  return {
    server: { path },
    database: Number(database),
    place: path + (database === '0' ? '' : `, database ${database}`),
  };
}

function accountOf(url: URL): Settings['account'] {
  const [user, password] = [decodeUrlPart(url.username), decodeUrlPart(url.password)];
  if (password !== '') return { user: user === '' ? undefined : user, password };
  if (user !== '') throw invalid('the store URL has a user but no password');
  return undefined;
}

/** TLS checks that the certificate is one of the host's, unless the options allow another. */
function tlsOf(url: URL, host: string): ConnectionOptions | undefined {
  const text = url.searchParams.get('tls');
  if (url.protocol === 'redis:') {
    if (text !== null) throw invalid('the parameter tls of the store URL needs rediss:// instead of redis://');
    return undefined;
  }
  const name = isIP(host) === 0 ? { servername: host } : {};
  if (text === null) return name;
  try {
    const options: unknown = JSON.parse(text);
    if (typeof options === 'object' && options !== null && !Array.isArray(options)) return { ...name, ...options };
  } catch {
    // The error below describes the form.
  }
  throw invalid('the parameter tls of the store URL is a JSON object, such as {"ca":"…"}');
}
