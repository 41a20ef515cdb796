import { join, resolve } from 'node:path';

const LMDB = 'lmdb:';

/**
 * The store of the command line as a URL for a process in another folder: `lmdb:` without a path
 * gets one in `folder`.
 */
export function completeStoreUrl(store: string, folder: string): string {
  if (!store.startsWith(LMDB)) return store;
  const path = store.slice(LMDB.length);
  return LMDB + (path === '' ? join(folder, 'data') : resolve(path));
}

/** A store's name in tables. */
export const storeName = (store: string): string => store.split(':', 1)[0] ?? '';
