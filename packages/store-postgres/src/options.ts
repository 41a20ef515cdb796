import { StoreError } from '@holdfast/core/store';
import { checkedTimeout, readStoreUrl, SESSION_TIMEOUT_MS, type StoreTls } from '@holdfast/core/store-kit';
import { callHook, nearest } from '@holdfast/protocol';
import type { ClientConfig } from 'pg';
import { type PostgresTls, tlsOf, withoutTlsParameters } from './tls.ts';

/** Settings of the store on PostgreSQL. */
export interface PostgresStoreOptions {
  /**
   * `postgres://user:password@host:port/database`, with the parameters of `pg`, such as
   * `sslmode=verify-full` and `sslrootcert`; missing parts come from the usual environment
   * variables (`PGUSER`, `PGPASSWORD`, …). `schema=NAME` is the schema for the tables. Several
   * hosts, `host1:port1,host2:port2`, are tried in order until one accepts writes.
   */
  readonly url: string;
  /** The schema for the tables; takes precedence over the URL. Default: `holdfast`. */
  readonly schema?: string;
  /** Timeout of opening a connection, in ms. Default: 5 s. */
  readonly connectTimeoutMs?: number;
  /** Timeout of one statement, in ms. Default: 30 s. */
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
  /** One for each host in the URL: the first that accepts writes is used. */
  readonly clients: readonly ClientConfig[];
  /** Undefined: as `pg` decides. */
  readonly tls: PostgresTls | undefined;
  readonly schema: string;
  readonly statementTimeoutMs: number;
  /**
   * Additional time, after the statement timeout, for the response of a server that may be
   * unreachable.
   */
  readonly graceMs: number;
  /**
   * How long a statement may wait for one lock. A statement that waited longer would also delay the
   * other statements of its connection.
   */
  readonly lockTimeoutMs: number;
  readonly onWarning: (text: string) => void;
  readonly wallMs: (() => number) | undefined;
  readonly monotonicMs: () => number;
}

const DEFAULT_SCHEMA = 'holdfast';
const CONNECT_TIMEOUT_MS = 5_000;
const STATEMENT_TIMEOUT_MS = 30_000;
/** The server ends a statement on its own; this is for an unreachable server. */
const GRACE_MS = 5_000;
/**
 * Well within a lease. A node keeps a record locked for long only if it is frozen; other programs
 * may.
 */
const LOCK_TIMEOUT_MS = 3_000;
const KEEP_ALIVE_DELAY_MS = 10_000;

/** Valid names of a schema. Statements quote the name, since it may be an SQL keyword. */
const NAME = /^[a-z_][a-z0-9_]{0,62}$/;

/** The settings of the connection for sessions: statements and connecting must be fast. */
export const forSessions = (settings: Settings): Settings => ({
  ...settings,
  clients: settings.clients.map((client) => ({
    ...client,
    connectionTimeoutMillis: Math.min(client.connectionTimeoutMillis ?? SESSION_TIMEOUT_MS, SESSION_TIMEOUT_MS),
  })),
  statementTimeoutMs: Math.min(settings.statementTimeoutMs, SESSION_TIMEOUT_MS),
  graceMs: 0,
});

/**
 * Validates options. Throws `StoreError` `invalid`. No message repeats the URL, because it may
 * contain a password.
 */
export function settingsOf(options: PostgresStoreOptions): Settings {
  const { urls, schemaOfUrl } = splitUrl(options.url);
  const onWarning = (text: string): void => callHook(() => options.onWarning?.(text));
  const tls = tlsOf((urls[0] as URL).searchParams, options.tls, onWarning);
  const schema = options.schema ?? schemaOfUrl ?? DEFAULT_SCHEMA;
  if (!NAME.test(schema) || schema.startsWith('pg_'))
    throw invalid(
      `the schema name ${JSON.stringify(schema)} cannot be used: a to z, 0 to 9 and _, not beginning with a digit or pg_`,
    );
  return {
    tls,
    clients: urls.map((url) => ({
      connectionString: tls === undefined ? url.href : withoutTlsParameters(url),
      application_name: 'holdfast',
      connectionTimeoutMillis: checkedTimeout('connectTimeoutMs', options.connectTimeoutMs ?? CONNECT_TIMEOUT_MS),
      keepAlive: true,
      keepAliveInitialDelayMillis: KEEP_ALIVE_DELAY_MS,
    })),
    schema,
    statementTimeoutMs: checkedTimeout('statementTimeoutMs', options.statementTimeoutMs ?? STATEMENT_TIMEOUT_MS),
    lockTimeoutMs: LOCK_TIMEOUT_MS,
    graceMs: GRACE_MS,
    onWarning,
    wallMs: options.wallMs,
    monotonicMs: options.monotonicMs ?? performance.now.bind(performance),
  };
}

interface SplitUrl {
  /** One for each host. */
  readonly urls: readonly URL[];
  readonly schemaOfUrl: string | undefined;
}

const MOST_HOSTS = 16;
/** Selects a server by its role; a node always needs one that accepts writes. */
const ATTRIBUTES = 'target_session_attrs';
const ATTRIBUTE_VALUES = ['read-write', 'primary', 'any'];

function splitUrl(text: string): SplitUrl {
  // `URL` supports one host only, so the URL is parsed once with each host.
  const [, before = '', hosts = '', after = ''] = /^([a-z]+:\/\/(?:[^/?#]*@)?)([^/?#]*)(.*)$/is.exec(text) ?? [];
  const names = hosts.split(',');
  if (names.length > MOST_HOSTS)
    throw invalid(`the store URL names ${names.length} hosts; at most ${MOST_HOSTS} are allowed`);
  if (names.length > 1 && names.includes('')) throw invalid('the store URL has a comma beside which there is no host');
  const urls = names.map((host) =>
    readStoreUrl(before === '' ? text : before + host + after, ['postgres:', 'postgresql:'], EXAMPLE),
  );
  const [first] = urls;
  const wanted = first?.searchParams.get(ATTRIBUTES) ?? 'any';
  if (!ATTRIBUTE_VALUES.includes(wanted))
    throw invalid(`${ATTRIBUTES} of the store URL is ${ATTRIBUTE_VALUES.join(', ')}: a node writes`);
  for (const name of first?.searchParams.keys() ?? []) refuseMisspelled(name);
  const schemaOfUrl = first?.searchParams.get('schema') ?? undefined;
  return { urls: urls.map(withoutOwnParameters), schemaOfUrl };
}

const OWN_PARAMETERS = ['schema', ATTRIBUTES];

/** `pg` ignores unknown parameters, so that a misspelled `schema` would open another store. */
function refuseMisspelled(name: string): void {
  if (OWN_PARAMETERS.includes(name)) return;
  const meant = nearest(name, OWN_PARAMETERS);
  if (meant !== undefined)
    throw invalid(`the store URL has the parameter ${JSON.stringify(name)}; did you mean ${meant}?`);
}

const EXAMPLE = 'postgres://user:password@host:5432/database';

function withoutOwnParameters(url: URL): URL {
  url.searchParams.delete('schema');
  url.searchParams.delete(ATTRIBUTES);
  return url;
}

const invalid = (message: string): StoreError => new StoreError('invalid', message);
