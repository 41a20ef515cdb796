import { rejectionOf, UnexpectedResponse, type WatchEnd } from '@holdfast/client/api';
import type { CallContext } from '@holdfast/core';
import { HoldfastError, isRejectionCode, renderError, type TransactionDetails } from '@holdfast/protocol';
import { type ApiV1, V1_NAMES } from '@holdfast/api';

/** Passes values from a producer to a consumer, one at a time: each waits for the other. */
class Handover<T> {
  #value: { readonly value: T; readonly taken: () => void } | undefined;
  #isOver = false;
  #changed: () => void = () => undefined;

  /** Resolves when the value was taken, or when nothing is taken any more. */
  give(value: T): Promise<void> {
    if (this.#isOver) return Promise.resolve();
    return new Promise((taken) => {
      this.#value = { value, taken };
      this.#changed();
    });
  }

  /** No value follows, and none is taken. */
  end(): void {
    this.#isOver = true;
    this.#value?.taken();
    this.#changed();
  }

  /** The values, until the end. */
  async *[Symbol.asyncIterator](): AsyncGenerator<T, void, undefined> {
    while (!this.#isOver) {
      const given = this.#value;
      if (given === undefined) {
        await new Promise<void>((resolve) => (this.#changed = resolve));
        continue;
      }
      this.#value = undefined;
      try {
        yield given.value;
      } finally {
        given.taken();
      }
    }
  }
}

/**
 * Watches a transaction in the coordinator of this process. The coordinator sends the next state
 * when the application requests it.
 */
export async function* watchInProcess(
  api: Pick<ApiV1, 'stream'>,
  context: CallContext,
  { gid, name }: { readonly gid: string; readonly name: string },
  afterVersion: number,
): AsyncGenerator<TransactionDetails, WatchEnd, undefined> {
  const abort = new AbortController();
  const hangUp = (): void => abort.abort();
  const { signal } = context;
  signal?.addEventListener('abort', hangUp, { once: true });
  if (signal?.aborted === true) hangUp();
  const states = new Handover<TransactionDetails>();
  const request = { transactions: [{ gid, afterVersion }] };
  const running = api
    .stream('watch', { ...context, signal: abort.signal }, request, ({ transaction }) => states.give(transaction))
    .then(
      () => undefined,
      (thrown: unknown) => HoldfastError.from(thrown),
    )
    .finally(() => states.end());
  try {
    yield* states;
    const error = await running;
    if (error === undefined) return { kind: 'retry', cause: new Error('the coordinator ended the watch') };
    if (isRejectionCode(error.code)) {
      const rendered = renderError(error, V1_NAMES);
      const rejected = { operation: 'getTransaction', input: { gid } } as const;
      return {
        kind: 'rejected',
        rejection: rejectionOf(rejected, error.code, { ...rendered, gid: rendered.gid ?? gid }),
      };
    }
    if (error.code === 'internal') throw new UnexpectedResponse(name, gid, undefined, error.message, error);
    return { kind: 'retry', cause: error };
  } finally {
    hangUp();
    states.end();
    signal?.removeEventListener('abort', hangUp);
  }
}
