import { StoreError } from '@holdfast/core/store';
import {
  checkedTimeout,
  decodeUrlPart,
  readStoreUrl,
  SESSION_TIMEOUT_MS,
  type StoreTls,
} from '@holdfast/core/store-kit';
import { callHook } from '@holdfast/protocol';
import { type RedisTls, TLS_PARAMETERS, tlsOf } from './tls.ts';

/** Settings of the store on Redis. */
export interface RedisStoreOptions {
  /**
   * `redis://user:password@host:port/db`, `rediss://` for TLS, or
   * `redis+unix://user:password@/PATH?db=N` (also `unix:`) for a Unix socket. Parameters:
   * `prefix=NAME` is the prefix of all keys; with `rediss://`, `cacert`, `cert` and `key` name
   * files, `sni` the server, and `tls={"ca":…}` contains options of Node's `tls.connect` as JSON.
   */
  readonly url: string;
  /**
   * The prefix of all keys, which is their hash tag; takes precedence over the URL. Default:
   * `holdfast`.
   */
  readonly prefix?: string;
  /** Timeout of opening a connection, in ms. Default: 5 s. */
  readonly connectTimeoutMs?: number;
  /** Time without a response after which the connection is abandoned, in ms. Default: 30 s. */
  readonly commandTimeoutMs?: number;
  /** TLS, with `rediss://`; each part takes precedence over the URL. */
  readonly tls?: StoreTls;
  /** Called at each `open` with what a crash of Redis may lose. */
  readonly onWarning?: (text: string) => void;
  /** Replaces the server's wall clock, ms since the epoch; for tests. */
  readonly wallMs?: () => number;
  /** Replaces the node's monotonic clock, in ms; for tests. */
  readonly monotonicMs?: () => number;
}

/** The address of the server: a host, or a Unix socket. */
export type ServerAddress =
  { readonly host: string; readonly port: number; readonly tls?: RedisTls } | { readonly path: string };

/** Validated options. */
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

/** Without braces, so that the prefix is the whole hash tag. */
const PREFIX = /^[A-Za-z0-9_.:-]{1,64}$/;

const invalid = (message: string): StoreError => new StoreError('invalid', message);

/** The settings of the connection for sessions: scripts and connecting must be fast. */
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

/**
 * Validates options. Throws `StoreError` `invalid`. No message repeats the URL, because it may
 * contain a password.
 */
export function settingsOf(options: RedisStoreOptions): Settings {
  // Node's URL parser requires a host before an account; a socket ignores it.
  const text = options.url.replace(/^((?:redis\+)?unix:\/\/[^/?#]*@)(?=\/)/i, '$1localhost');
  const url = readStoreUrl(text, SCHEMES, EXAMPLE);
  const bySocket = SOCKET_SCHEMES.includes(url.protocol);
  // Rejected, because the client would apply any setting from here, such as one that queues writes.
  for (const name of url.searchParams.keys())
    if (!['prefix', ...(bySocket ? ['db'] : TLS_PARAMETERS)].includes(name))
      throw invalid(
        `the store URL has the parameter ${JSON.stringify(name)}; known are prefix and ${bySocket ? 'db' : TLS_PARAMETERS.join(', ')}`,
      );
  const onWarning = (warning: string): void => callHook(() => options.onWarning?.(warning));
  if (bySocket && Object.keys(options.tls ?? {}).length > 0)
    throw invalid('TLS to Redis needs rediss:// in the store URL; a Unix socket has none');
  const prefix = options.prefix ?? url.searchParams.get('prefix') ?? 'holdfast';
  if (!PREFIX.test(prefix))
    throw invalid(`the key prefix ${JSON.stringify(prefix)} cannot be used: 1 to 64 of letters, digits, _ . : and -`);
  return {
    ...(bySocket ? socketOf(url) : hostOf(url, options.tls, onWarning)),
    account: accountOf(url),
    prefix,
    connectTimeoutMs: checkedTimeout('connectTimeoutMs', options.connectTimeoutMs ?? 5_000),
    commandTimeoutMs: checkedTimeout('commandTimeoutMs', options.commandTimeoutMs ?? 30_000),
    onWarning,
    wallMs: options.wallMs,
    monotonicMs: options.monotonicMs ?? performance.now.bind(performance),
  };
}

type Where = Pick<Settings, 'server' | 'database' | 'place'>;

function hostOf(url: URL, options: StoreTls | undefined, onWarning: (text: string) => void): Where {
  const database = url.pathname.slice(1) || '0';
  if (!DATABASE.test(database)) throw invalid('the path of a store URL of Redis is the number of a database');
  if (url.hostname === '') throw invalid(`the store URL names no host; it looks like ${EXAMPLE}`);
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1');
  const port = url.port === '' ? DEFAULT_PORT : Number(url.port);
  const tls = tlsOf(url, host, options, onWarning);
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
