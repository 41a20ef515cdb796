import { checkedTimeout, StoreError } from '@holdfast/core';
import type { ClientConfig } from 'pg';

/** Settings of the store on PostgreSQL. */
export interface PostgresStoreOptions {
  /**
   * `postgres://user:password@host:port/database`, with the parameters that `pg` knows, such as `sslmode=verify-full` and `sslrootcert`; what it leaves out
   * comes from the usual environment (`PGUSER`, `PGPASSWORD`, …). `schema=NAME` says which schema holds the tables.
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
  /** Wall clock in the place of the database's, ms since the epoch: for tests. It may jump, the store's time never goes backwards. */
  readonly wallMs?: () => number;
}

/** Options, checked. */
export interface Settings {
  readonly client: ClientConfig;
  readonly schema: string;
  readonly statementTimeoutMs: number;
  readonly onWarning: (text: string) => void;
  readonly wallMs: (() => number) | undefined;
}

const DEFAULT_SCHEMA = 'holdfast';
const CONNECT_TIMEOUT_MS = 5_000;
const STATEMENT_TIMEOUT_MS = 30_000;
const KEEP_ALIVE_DELAY_MS = 10_000;

/** What a name must be to stand in a statement without quotes. */
const NAME = /^[a-z_][a-z0-9_]{0,62}$/;

/** Checks options. Throws `StoreError` `invalid`; no message repeats the URL, for a password may stand in it. */
export function settingsOf(options: PostgresStoreOptions): Settings {
  const { connectionString, schemaOfUrl } = splitUrl(options.url);
  const schema = options.schema ?? schemaOfUrl ?? DEFAULT_SCHEMA;
  if (!NAME.test(schema) || schema.startsWith('pg_'))
    throw invalid(
      `the schema name ${JSON.stringify(schema)} cannot be used: a to z, 0 to 9 and _, not beginning with a digit or pg_`,
    );
  return {
    client: {
      connectionString,
      application_name: 'holdfast',
      connectionTimeoutMillis: checkedTimeout('connectTimeoutMs', options.connectTimeoutMs ?? CONNECT_TIMEOUT_MS),
      keepAlive: true,
      keepAliveInitialDelayMillis: KEEP_ALIVE_DELAY_MS,
    },
    schema,
    statementTimeoutMs: checkedTimeout('statementTimeoutMs', options.statementTimeoutMs ?? STATEMENT_TIMEOUT_MS),
    onWarning: options.onWarning ?? (() => undefined),
    wallMs: options.wallMs,
  };
}

function splitUrl(text: string): { readonly connectionString: string; readonly schemaOfUrl: string | undefined } {
  if (!URL.canParse(text))
    throw invalid('the store URL cannot be read; it looks like postgres://user:password@host:5432/database');
  const url = new URL(text);
  if (url.protocol !== 'postgres:' && url.protocol !== 'postgresql:')
    throw invalid(`a store URL of PostgreSQL begins with postgres:// and not with ${url.protocol}`);
  const schemaOfUrl = url.searchParams.get('schema') ?? undefined;
  url.searchParams.delete('schema');
  return { connectionString: url.href, schemaOfUrl };
}

const invalid = (message: string): StoreError => new StoreError('invalid', message);
