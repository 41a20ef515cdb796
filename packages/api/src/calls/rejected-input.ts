import type { CallContext } from '@holdfast/core';
import { HoldfastError } from '@holdfast/protocol';
import type { AnyInput, Invoke } from './invoke.ts';

/**
 * The input of a call whose request was rejected before its input was complete: no place was free
 * for its response, or its body could not be read, for example.
 */
class RejectedInput implements AnyInput {
  readonly [field: string]: unknown;
  readonly error: HoldfastError;
  /** The part of the input that is known. */
  readonly known: AnyInput;

  constructor(error: HoldfastError, known: AnyInput) {
    this.error = error;
    this.known = known;
  }
}

/**
 * Passes the rejection of a request through the interceptors of its operation, so that access
 * control, audit, metrics and tracing apply to it. The operation is not carried out.
 *
 * @param known the part of the input that is known
 * @returns a promise that rejects with `thrown`, or with the error of an interceptor
 */
export async function rejectCall(
  invoke: (context: CallContext, input: never, waitMs: number) => Promise<unknown>,
  context: CallContext,
  thrown: unknown,
  known: AnyInput = {},
): Promise<never> {
  const error = HoldfastError.from(thrown);
  await invoke(context, new RejectedInput(error, known) as never, 0);
  throw error;
}

/** Carries out calls, except those whose request was rejected. */
export const unlessRejected =
  (next: Invoke): Invoke =>
  (context, input, waitMs) =>
    input instanceof RejectedInput ? Promise.reject(input.error) : next(context, input, waitMs);

/** The input of a call, or the part that is known. */
export const knownInputOf = (input: AnyInput): AnyInput => (input instanceof RejectedInput ? input.known : input);
