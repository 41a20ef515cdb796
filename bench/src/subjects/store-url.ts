import { join, resolve } from 'node:path';

const LMDB = 'lmdb:';

/** A store as given on the command line, for a process in another folder: `lmdb:` without a path lies in `folder`. */
export function completeStoreUrl(store: string, folder: string): string {
  if (!store.startsWith(LMDB)) return store;
  const path = store.slice(LMDB.length);
  return LMDB + (path === '' ? join(folder, 'data') : resolve(path));
}

/** Its name in tables. */
export const storeName = (store: string): string => store.split(':', 1)[0] ?? '';
