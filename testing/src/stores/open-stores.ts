import type { Store } from '@holdfast/core/store';
import { expect } from 'vitest';
import { insertOf } from './items.ts';

/** Runs a body with an open store at a new place, and closes the store. */
export type WithStore<Options> = (
  body: (store: Store, place: string) => Promise<void>,
  options?: Partial<Options>,
) => Promise<void>;

/** `newPlace` names a place that no test used before. */
export function withStoreAt<Options>(
  newPlace: () => string,
  createStore: (place: string, options: Partial<Options>) => Store,
): WithStore<Options> {
  return async (body, options = {}) => {
    const place = newPlace();
    const store = createStore(place, options);
    await store.open();
    try {
      await body(store, place);
    } finally {
      await store.close();
    }
  };
}

/** Asserts that many nodes open an empty place at once, and that each can use it. */
export async function expectToOpenAtOnce(createStore: () => Store): Promise<void> {
  const stores = Array.from({ length: 6 }, createStore);
  await Promise.all(stores.map((store) => store.open()));
  await Promise.all(stores.map((store, i) => store.write([insertOf(`gid-${i}`)])));
  expect((await stores[0]?.count())?.byStatus.submitted).toBe(6);
  await Promise.all(stores.map((store) => store.close()));
}
