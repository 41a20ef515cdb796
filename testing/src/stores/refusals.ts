import { type Store, StoreError } from '@holdfast/core/store';
import { expect } from 'vitest';

/** The `StoreError` that a call throws. */
export function refusalOf(call: () => unknown): StoreError {
  try {
    call();
  } catch (thrown) {
    if (thrown instanceof StoreError) return thrown;
  }
  throw new Error('was not rejected');
}

/**
 * Asserts that a store cannot be opened, and that the error names the place and contains no
 * password, neither in its text nor in its cause.
 */
export async function expectUnreachable(store: Store, where: string, password: string): Promise<void> {
  const error = await store.open().then(
    () => expect.unreachable('it was opened'),
    (thrown: unknown) => thrown as StoreError,
  );
  expect(error).toMatchObject({ code: 'unavailable' });
  expect(error.message).toContain(where);
  expect(`${error.stack} ${JSON.stringify(error)} ${String(error.cause)}`).not.toContain(password);
}
