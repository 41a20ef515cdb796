import { type FieldPath, HoldfastError } from '@holdfast/protocol';
import { CursorError } from '../store/cursor.ts';
import { StoreError } from '../store/store.ts';

const CURSOR: FieldPath = ['cursor'];

/** Calls the store for a caller. Throws only `HoldfastError`. */
export async function fromStore<T>(query: () => Promise<T>): Promise<T> {
  try {
    return await query();
  } catch (error) {
    if (error instanceof StoreError) {
      throw new HoldfastError(error.code === 'invalid' ? 'invalid' : 'unavailable', error.message, {
        cause: error,
        ...(error instanceof CursorError && { field: CURSOR }),
      });
    }
    throw HoldfastError.from(error);
  }
}
