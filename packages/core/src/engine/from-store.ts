import { HoldfastError } from '@holdfast/protocol';
import { StoreError } from '../store/store.ts';

/** Calls the store for a caller. Throws only `HoldfastError`. */
export async function fromStore<T>(query: () => Promise<T>): Promise<T> {
  try {
    return await query();
  } catch (error) {
    if (error instanceof StoreError) {
      throw new HoldfastError(error.code === 'invalid' ? 'invalid' : 'unavailable', error.message, { cause: error });
    }
    throw HoldfastError.from(error);
  }
}
