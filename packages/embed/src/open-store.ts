import { MemoryStore } from '@holdfast/core/memory-store';
import { CheckedStore, type Store } from '@holdfast/core/store';

/**
 * Returns the store at a URL, not yet open. LMDB is loaded only if it is used.
 *
 * @throws {TypeError} the URL does not name a store
 */
export async function storeOf(store: string | Store): Promise<Store> {
  if (typeof store !== 'string') return store;
  if (store === 'memory:') return new CheckedStore(new MemoryStore(Date.now, performance.now.bind(performance)));
  const path = /^lmdb:(?:\/\/(?=[/.]))?(.+)$/.exec(store)?.[1];
  if (path === undefined)
    throw new TypeError(
      `store: ${store.split(':', 1)[0] ?? ''}: is none that can be embedded by its URL; there are lmdb:PATH (a directory) and memory:`,
    );
  const { createLmdbStore } = await import('@holdfast/store-lmdb');
  return createLmdbStore({ path });
}
