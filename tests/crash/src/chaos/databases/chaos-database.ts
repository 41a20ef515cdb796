import type { Random } from '../../random.ts';
import type { Delta, Entry } from './ledger.ts';

/** Databases that participants are tested on. */
export const DATABASES = ['postgres', 'mysql', 'redis'] as const;
export type DatabaseName = (typeof DATABASES)[number];

/** Isolation levels by database; the first one is the default. Redis runs one script at a time. */
export const ISOLATIONS = {
  postgres: ['read committed', 'repeatable read', 'serializable'],
  mysql: ['repeatable read', 'read committed'],
  redis: ['scripts'],
} as const satisfies Readonly<Record<DatabaseName, readonly string[]>>;

/** All that the judge reads from a database. */
export interface Books {
  readonly entries: readonly Entry[];
  /** By number of the account. */
  readonly accounts: readonly Delta[];
  /** XA transactions that are still prepared. */
  readonly prepared: readonly string[];
}

/** The database of a run, as its operator sees it: without the proxy in between. */
export interface ChaosDatabase {
  readonly url: string;
  /** Ends a connection of participants or initiators; false: there is none to end. */
  terminateOne(random: Random): Promise<boolean>;
  read(): Promise<Books>;
  /** Ends the server. */
  close(): Promise<void>;
}

/** One of several, as likely as each other. */
export function oneOf<T>(values: readonly T[], random: Random): T | undefined {
  return values[random.between(0, values.length - 1)];
}
