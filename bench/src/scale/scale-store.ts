import { join } from 'node:path';
import { PRIVATE_DATABASES } from '../databases/private-databases.ts';
import { startDatabase } from '../databases/start-database.ts';
import type { ScaleOptions } from '../options.ts';
import type { Cleanup } from '../processes/cleanup.ts';
import type { Say } from '../report/say.ts';
import { multiply } from './multiply.ts';

/** The place of the full store and the empty ones. */
export interface ScaleStore {
  /** A store's URL by its name; a new name gives an empty store. */
  readonly url: (name: string) => string;
  /** PID and description of the database that contains all of them. */
  readonly databasePid?: number | undefined;
  readonly description?: string;
  /**
   * Number of transactions put into the full store through its coordinator; the others are made
   * from these.
   */
  readonly through: { readonly finished: number; readonly waiting: number };
  /**
   * Completes the store of that name, which contains `through`, while no coordinator runs on it.
   */
  readonly fillUp: (name: string) => Promise<void>;
}

/** Number of originals of each kind, enough that pages and their rows differ. */
const PATTERNS_OF_EACH = 100;

/** Creates the place for stores of a kind. */
export async function openScaleStore(
  { store, finished, waiting }: ScaleOptions,
  folder: string,
  cleanup: Cleanup,
  say: Say,
): Promise<ScaleStore> {
  if (store === 'lmdb') {
    const url = (name: string): string => `lmdb:${join(folder, name, 'data')}`;
    return { url, through: { finished, waiting }, fillUp: () => Promise.resolve() };
  }
  const known = PRIVATE_DATABASES.find(({ name }) => name === store);
  const database = known && (await startDatabase(known, cleanup));
  if (database === undefined) throw new Error(`${known?.program ?? store} is not installed`);
  const { pid, description, url } = database;
  const through = { finished: Math.min(finished, PATTERNS_OF_EACH), waiting: Math.min(waiting, PATTERNS_OF_EACH) };
  return {
    url: (name) => `${url}?schema=${name}`,
    databasePid: pid,
    description,
    through,
    fillUp: (name) => multiply({ url, schema: name, finished, waiting }, say),
  };
}
