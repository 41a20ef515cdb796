import { StoreError } from '@holdfast/core/store';
import {
  checkedTimeout,
  decodeUrlPart,
  readStoreUrl,
  SESSION_TIMEOUT_MS,
  type StoreTls,
} from '@holdfast/core/store-kit';
import { callHook } from '@holdfast/protocol';
import type { ConnectionOptions } from 'mysql2';
import { type MysqlTls, TLS_PARAMETERS, tlsOf } from './tls.ts';

/** Settings of the store on MariaDB and MySQL. */
export interface MysqlStoreOptions {
  /**
   * `mysql://user:password@host:port/database` or `mariadb://…`. Parameters: `prefix=NAME` is the
   * prefix of the table names; `ssl=true` requires TLS with a verified certificate for the host's
   * name, as do `ssl-mode`, `ssl-ca`, `ssl-cert` and `ssl-key`, with files; `ssl={"ca":…}` contains
   * `mysql2`'s option as JSON; `socketPath=PATH` is a Unix socket.
   */
  readonly url: string;
  /** The prefix of the table names; takes precedence over the URL. Default: `holdfast_`. */
  readonly prefix?: string;
  /** Timeout of opening a connection, in ms. Default: 5 s. */
  readonly connectTimeoutMs?: number;
  /** Time after which the connection of a call is abandoned, in ms. Default: 30 s. */
  readonly statementTimeoutMs?: number;
  /** TLS; each part takes precedence over the URL. */
  readonly tls?: StoreTls;
  /** Called at each `open` with what a crash of the database may lose. */
  readonly onWarning?: (text: string) => void;
  /** Replaces the server's wall clock, ms since the epoch; for tests. */
  readonly wallMs?: () => number;
  /** Replaces the node's monotonic clock, in ms; for tests. */
  readonly monotonicMs?: () => number;
}

/** Validated options. */
export interface Settings {
  readonly client: ConnectionOptions;
  readonly tls: MysqlTls | undefined;
  /** Host, port and database, for messages. */
  readonly place: string;
  readonly prefix: string;
  readonly statementTimeoutMs: number;
  readonly onWarning: (text: string) => void;
  readonly wallMs: (() => number) | undefined;
  readonly monotonicMs: () => number;
}

const DEFAULT_PREFIX = 'holdfast_';
const DEFAULT_PORT = 3306;
const CONNECT_TIMEOUT_MS = 5_000;
const STATEMENT_TIMEOUT_MS = 30_000;
const KEEP_ALIVE_DELAY_MS = 10_000;
const PARAMETERS = ['prefix', ...TLS_PARAMETERS, 'socketPath'];

/** Together with the longest table name within the 64 characters of a name. */
const PREFIX = /^[a-z_][a-z0-9_]{0,39}$/;

const invalid = (message: string): StoreError => new StoreError('invalid', message);

/** The settings of the connection for sessions: calls and connecting must be fast. */
export const forSessions = (settings: Settings): Settings => ({
  ...settings,
  client: {
    ...settings.client,
    connectTimeout: Math.min(settings.client.connectTimeout ?? SESSION_TIMEOUT_MS, SESSION_TIMEOUT_MS),
  },
  statementTimeoutMs: Math.min(settings.statementTimeoutMs, SESSION_TIMEOUT_MS),
});

/**
 * Validates options. Throws `StoreError` `invalid`. No message repeats the URL, because it may
 * contain a password.
 */
export function settingsOf(options: MysqlStoreOptions): Settings {
  const url = readUrl(options.url);
  const prefix = options.prefix ?? url.searchParams.get('prefix') ?? DEFAULT_PREFIX;
  if (!PREFIX.test(prefix))
    throw invalid(
      `the table prefix ${JSON.stringify(prefix)} cannot be used: 1 to 40 of a to z, 0 to 9 and _, not beginning with a digit`,
    );
  const database = decodeUrlPart(url.pathname.slice(1));
  if (database === '' || database.includes('/'))
    throw invalid(`the store URL names no database; it looks like ${EXAMPLE}`);
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1') || 'localhost';
  const port = url.port === '' ? DEFAULT_PORT : Number(url.port);
  const socketPath = url.searchParams.get('socketPath');
  const onWarning = (text: string): void => callHook(() => options.onWarning?.(text));
  return {
    tls: tlsOf(url.searchParams, { host, port }, options.tls, onWarning),
    client: {
      ...(socketPath === null ? { host, port } : { socketPath }),
      user: decodeUrlPart(url.username),
      password: decodeUrlPart(url.password),
      database,
      connectTimeout: checkedTimeout('connectTimeoutMs', options.connectTimeoutMs ?? CONNECT_TIMEOUT_MS),
      enableKeepAlive: true,
      keepAliveInitialDelay: KEEP_ALIVE_DELAY_MS,
      // A call is one packet of several statements.
      multipleStatements: true,
      // Statements are complete, so that no placeholder is replaced; a body may contain question
      // marks.
      queryFormat: (sql) => sql,
      // Texts are transferred unchanged, byte by byte, in both directions.
      charset: 'BINARY',
      // A row whose values stay the same does not count as changed.
      flags: ['-FOUND_ROWS'],
    },
    place: socketPath === null ? `${url.host}/${database}` : `${socketPath}/${database}`,
    prefix,
    statementTimeoutMs: checkedTimeout('statementTimeoutMs', options.statementTimeoutMs ?? STATEMENT_TIMEOUT_MS),
    onWarning,
    wallMs: options.wallMs,
    monotonicMs: options.monotonicMs ?? performance.now.bind(performance),
  };
}

const EXAMPLE = 'mysql://user:password@host:3306/database';

function readUrl(text: string): URL {
  const url = readStoreUrl(text, ['mysql:', 'mariadb:'], EXAMPLE);
  for (const name of url.searchParams.keys())
    if (!PARAMETERS.includes(name))
      throw invalid(`the store URL has the parameter ${JSON.stringify(name)}; known are ${PARAMETERS.join(', ')}`);
  return url;
}
