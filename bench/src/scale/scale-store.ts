import { join } from 'node:path';
import { PRIVATE_DATABASES } from '../databases/private-databases.ts';
import { startDatabase } from '../databases/start-database.ts';
import type { ScaleOptions } from '../options.ts';
import type { Cleanup } from '../processes/cleanup.ts';
import type { Say } from '../report/say.ts';
import { multiply } from './multiply.ts';

/** Where the full store and the empty ones are. */
export interface ScaleStore {
  /** A store's URL by its name; one that is named for the first time is empty. */
  readonly url: (name: string) => string;
  /** Process of the database that all of them are in, and what it is, for people. */
  readonly databasePid?: number | undefined;
  readonly description?: string;
  /** How much is put into the full store through its coordinator; the rest is made from that. */
  readonly through: { readonly finished: number; readonly waiting: number };
  /** Fills up the store of that name, in which `through` is, while no coordinator runs on it. */
  readonly fillUp: (name: string) => Promise<void>;
}

/** What is copied: enough of it that pages, and rows in them, are not all alike. */
const PATTERNS_OF_EACH = 100;

/** Makes a place for stores of a kind. */
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
