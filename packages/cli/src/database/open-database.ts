import { placeOfUrl, textOfThrown } from '@holdfast/protocol';
import { CommandError, EXIT } from '../commands/command-error.ts';

/** A row with its values as the client library returns them. */
export type Row = Readonly<Record<string, unknown>>;

/** A connection to a business database, for the commands that inspect one. */
export interface Database {
  readonly kind: 'postgres' | 'mysql';
  /**
   * Parameters are `$1`, … in PostgreSQL, `?` in MySQL. Rejects with the client library's error.
   */
  query(text: string, values?: readonly string[]): Promise<readonly Row[]>;
  close(): Promise<void>;
}

export const CONNECT_TIMEOUT_MS = 5_000;
const QUERY_TIMEOUT_MS = 10_000;
/** Bounds on one connection. */
export interface Limits {
  /** From the server in total. */
  readonly mostBytes: number;
  readonly queryTimeoutMs: number;
}

/** For commands that read names and single values. */
const INSPECTION: Limits = { mostBytes: 64 * 1024 * 1024, queryTimeoutMs: QUERY_TIMEOUT_MS };

/**
 * Connects to the database at a URL. The client library is an optional package and loaded only
 * here.
 * @throws {CommandError} the URL is invalid, the package is not installed, or the connection failed
 */
export async function openDatabase(url: string, limits: Limits = INSPECTION): Promise<Database> {
  const scheme = /^([a-z]+):\/\//.exec(url)?.[1];
  const open = scheme === undefined ? undefined : OPENERS[scheme];
  if (open === undefined || !URL.canParse(url))
    // The URL may contain a password: only its scheme is repeated.
    throw new CommandError(
      EXIT.usage,
      `a database URL begins with postgres:// or mysql://, not with ${scheme ?? 'a text without a scheme'}`,
    );
  try {
    return await open(url, limits);
  } catch (error) {
    if (error instanceof CommandError) throw error;
    const message = `the database at ${placeOfUrl(url)} cannot be opened: ${reasonOf(error)}`;
    throw new CommandError(EXIT.unreachable, message, { cause: error });
  }
}

const openPg = async (url: string, limits: Limits): Promise<Database> =>
  (await loaded('pg', () => import('./pg-database.ts'))).openPgDatabase(url, limits);
const openMysql = async (url: string, limits: Limits): Promise<Database> =>
  (await loaded('mysql2', () => import('./mysql-database.ts'))).openMysqlDatabase(url, limits);

const OPENERS: Readonly<Record<string, ((url: string, limits: Limits) => Promise<Database>) | undefined>> = {
  postgres: openPg,
  postgresql: openPg,
  mysql: openMysql,
  mariadb: openMysql,
};

async function loaded<T>(library: string, load: () => Promise<T>): Promise<T> {
  try {
    return await load();
  } catch (error) {
    if (!(error instanceof Error) || !('code' in error) || error.code !== 'ERR_MODULE_NOT_FOUND') throw error;
    const message = `this command needs the package ${library}, which is not installed; run: npm install ${library}`;
    throw new CommandError(EXIT.usage, message, { cause: error });
  }
}

/**
 * The text of an error. An error over several addresses (`AggregateError`) has an empty message;
 * then the code is used.
 */
export function reasonOf(error: unknown): string {
  const text = textOfThrown(error);
  if (text !== '' || !(error instanceof Error)) return text;
  return 'code' in error && typeof error.code === 'string' ? error.code : error.name;
}
