import { isIPv6 } from 'node:net';
import { ConfigError } from '../config-error.ts';

/** A setting of dtm's store, and the place of a setting in dtm's file or environment. */
export interface StoreSettings {
  value(path: string): string | undefined;
  place(path: string): string;
}

/** dtm's drivers that are the schemes of Holdfast's stores, and dtm's defaults. */
const DATABASES = ['mysql', 'postgres', 'redis'] as const;
type Database = (typeof DATABASES)[number];
const DEFAULT_DATABASE = 'dtm';
const DEFAULT_SCHEMA = 'public';
const DEFAULT_PREFIX = '{a}';
/** The schemas that Holdfast's store can have, and its longest prefix on Redis. */
const SCHEMA = /^(?!pg_)[a-z_][a-z0-9_]{0,62}$/;
const LONGEST_PREFIX = 64;

/** The kind of store that dtm would use. Throws `ConfigError` for one without a store here. */
export function kindOfStore(settings: StoreSettings): 'boltdb' | Database {
  const kind = settings.value('Store.Driver') ?? 'boltdb';
  if (kind === 'boltdb') return kind;
  const database = DATABASES.find((name) => name === kind);
  if (database !== undefined) return database;
  const place = settings.place('Store.Driver');
  throw new ConfigError(
    `${place}: ${JSON.stringify(kind)} has no store in Holdfast; use mysql, postgres, redis or boltdb, or choose a store with --store`,
  );
}

/**
 * The URL of Holdfast's store in the same database, beside dtm's tables or keys. Two installations
 * of dtm that share a database by schema or prefix get separate ones. Throws `ConfigError`.
 */
export function storeUrlOf(kind: Database, settings: StoreSettings): string {
  const host = required(settings, 'Store.Host');
  const port = portOf(settings);
  const user = settings.value('Store.User') ?? '';
  const password = settings.value('Store.Password') ?? '';
  const account = user === '' && password === '' ? '' : `${encodeURIComponent(user)}:${encodeURIComponent(password)}@`;
  const url = `${kind}://${account}${hostOf(host, settings)}:${port}`;
  if (kind === 'redis') return `${url}/0${prefixOf(settings)}`;
  const database = encodeURIComponent(settings.value('Store.Db') ?? DEFAULT_DATABASE);
  return `${url}/${database}${kind === 'postgres' ? schemaOf(settings) : ''}`;
}

function required(settings: StoreSettings, path: string): string {
  const value = settings.value(path) ?? '';
  if (value !== '' && value !== '0') return value;
  throw new ConfigError(`${path} is missing: ${settings.place('Store.Driver')} needs it`);
}

function portOf(settings: StoreSettings): string {
  const port = required(settings, 'Store.Port');
  if (/^\d{1,5}$/.test(port) && Number(port) <= 65_535) return port;
  throw new ConfigError(`${settings.place('Store.Port')}: must be a port, 1 to 65535, not ${JSON.stringify(port)}`);
}

function hostOf(host: string, settings: StoreSettings): string {
  const bare = host.replace(/^\[(.*)\]$/, '$1');
  if (isIPv6(bare)) return `[${bare}]`;
  if (/^[\w.-]+$/.test(host)) return host;
  const place = settings.place('Store.Host');
  if (host.includes(','))
    throw new ConfigError(`${place}: several hosts (a cluster) are not supported; choose a store with --store`);
  throw new ConfigError(`${place}: must be the name or the address of a host, not ${JSON.stringify(host)}`);
}

function schemaOf(settings: StoreSettings): string {
  const schema = settings.value('Store.Schema') ?? DEFAULT_SCHEMA;
  if (schema === DEFAULT_SCHEMA) return '';
  const own = `${schema}_holdfast`;
  if (SCHEMA.test(own)) return `?schema=${own}`;
  throw new ConfigError(
    `${settings.place('Store.Schema')}: Holdfast's store cannot have the schema ${JSON.stringify(own)}; choose one with --store`,
  );
}

/** Characters that Holdfast's prefix cannot have are written as their code, so prefixes differ. */
function prefixOf(settings: StoreSettings): string {
  const prefix = settings.value('Store.RedisPrefix') ?? DEFAULT_PREFIX;
  if (prefix === DEFAULT_PREFIX) return '';
  const bytes = [...Buffer.from(prefix)].map((byte) => String.fromCharCode(byte));
  const own = `holdfast-${bytes.map((char) => (/[\w-]/.test(char) ? char : codeOf(char))).join('')}`;
  if (own.length <= LONGEST_PREFIX) return `?prefix=${own}`;
  throw new ConfigError(
    `${settings.place('Store.RedisPrefix')}: is too long for a prefix of Holdfast; choose one with --store`,
  );
}

const codeOf = (char: string): string => `.${char.charCodeAt(0).toString(16).padStart(2, '0')}`;
