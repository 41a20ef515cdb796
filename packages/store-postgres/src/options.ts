import { checkedTimeout, readStoreUrl, SESSION_TIMEOUT_MS, StoreError } from '@holdfast/core';
import { callHook, nearest } from '@holdfast/protocol';
import type { ClientConfig } from 'pg';

/** Settings of the store on PostgreSQL. */
export interface PostgresStoreOptions {
  /**
   * `postgres://user:password@host:port/database`, with the parameters that `pg` knows, such as `sslmode=verify-full` and `sslrootcert`; what it leaves out
   * comes from the usual environment (`PGUSER`, `PGPASSWORD`, …). `schema=NAME` says which schema holds the tables. Several hosts, `host1:port1,host2:port2`, are
   * tried in their order until one takes writes.
   */
  readonly url: string;
  /** The schema that holds the tables; `holdfast` unless this or the URL says otherwise. */
  readonly schema?: string;
  /** How long a connection may take to come up; 5 s unless said. */
  readonly connectTimeoutMs?: number;
  /** How long one statement may take; 30 s unless said. */
  readonly statementTimeoutMs?: number;
  /** Hears, at each `open`, what a crash of the database may lose. */
  readonly onWarning?: (text: string) => void;
  /** Replaces the server's wall clock, ms since the epoch: for tests. */
  readonly wallMs?: () => number;
  /** Replaces the node's monotonic clock, in ms: for tests. */
  readonly monotonicMs?: () => number;
}

/** Options, checked. */
export interface Settings {
  /** One for each host that the URL names: a connection is made to the first that takes writes. */
  readonly clients: readonly ClientConfig[];
  readonly schema: string;
  readonly statementTimeoutMs: number;
  /** How long after that a response is awaited from a server that cannot be reached any more. */
  readonly graceMs: number;
  /** How long a statement may wait for one lock; 0: as long as it may take. */
  readonly lockTimeoutMs: number;
  readonly onWarning: (text: string) => void;
  readonly wallMs: (() => number) | undefined;
  readonly monotonicMs: () => number;
}

const DEFAULT_SCHEMA = 'holdfast';
const CONNECT_TIMEOUT_MS = 5_000;
const STATEMENT_TIMEOUT_MS = 30_000;
/** The server itself ends a statement in time; this is for a server that cannot be reached. */
const GRACE_MS = 5_000;
/** Well within a lease. No node keeps a record locked for long unless it is frozen. */
const LOCK_TIMEOUT_MS = 3_000;
const KEEP_ALIVE_DELAY_MS = 10_000;

/** What the name of a schema may be. Statements quote it, since it may be a word of SQL. */
const NAME = /^[a-z_][a-z0-9_]{0,62}$/;

/**
 * The settings of the connection for sessions: neither a statement nor connecting may take long.
 */
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
 * The settings of the connection for batches: a record that stays locked is left out of its batch.
 */
export const forBatches = (settings: Settings): Settings => ({ ...settings, lockTimeoutMs: LOCK_TIMEOUT_MS });

/** Checks options. Throws `StoreError` `invalid`; no message repeats the URL, for a password may stand in it. */
export function settingsOf(options: PostgresStoreOptions): Settings {
  const { connectionStrings, schemaOfUrl } = splitUrl(options.url);
  const schema = options.schema ?? schemaOfUrl ?? DEFAULT_SCHEMA;
  if (!NAME.test(schema) || schema.startsWith('pg_'))
    throw invalid(
      `the schema name ${JSON.stringify(schema)} cannot be used: a to z, 0 to 9 and _, not beginning with a digit or pg_`,
    );
  return {
    clients: connectionStrings.map((connectionString) => ({
      connectionString,
      application_name: 'holdfast',
      connectionTimeoutMillis: checkedTimeout('connectTimeoutMs', options.connectTimeoutMs ?? CONNECT_TIMEOUT_MS),
      keepAlive: true,
      keepAliveInitialDelayMillis: KEEP_ALIVE_DELAY_MS,
    })),
    schema,
    statementTimeoutMs: checkedTimeout('statementTimeoutMs', options.statementTimeoutMs ?? STATEMENT_TIMEOUT_MS),
    lockTimeoutMs: 0,
    graceMs: GRACE_MS,
    onWarning: (text) => callHook(() => options.onWarning?.(text)),
    wallMs: options.wallMs,
    monotonicMs: options.monotonicMs ?? performance.now.bind(performance),
  };
}

interface SplitUrl {
  /** One for each host. */
  readonly connectionStrings: readonly string[];
  readonly schemaOfUrl: string | undefined;
}

const MOST_HOSTS = 16;
/** Which server of several is wanted: a node always wants the one that takes writes. */
const ATTRIBUTES = 'target_session_attrs';
const ATTRIBUTE_VALUES = ['read-write', 'primary', 'any'];

function splitUrl(text: string): SplitUrl {
  // `URL` knows one host only: with each of them alone, it reads the rest.
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
  return { connectionStrings: urls.map(withoutOwnParameters), schemaOfUrl };
}

const OWN_PARAMETERS = ['schema', ATTRIBUTES];

/** `pg` ignores what it does not know: a misspelled `schema` would open another store. */
function refuseMisspelled(name: string): void {
  if (OWN_PARAMETERS.includes(name)) return;
  const meant = nearest(name, OWN_PARAMETERS);
  if (meant !== undefined)
    throw invalid(`the store URL has the parameter ${JSON.stringify(name)}; did you mean ${meant}?`);
}

const EXAMPLE = 'postgres://user:password@host:5432/database';

function withoutOwnParameters(url: URL): string {
  url.searchParams.delete('schema');
  url.searchParams.delete(ATTRIBUTES);
  return url.href;
}

const invalid = (message: string): StoreError => new StoreError('invalid', message);
