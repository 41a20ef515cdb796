import { callHook, readableThrown, resultOfThrown } from '@holdfast/protocol';
import { BadBranchCall, type BranchCallContext, type BranchHandler, type ErrorOptions } from './call.ts';
import { serveBranch } from './joined-work.ts';
import { warnOfError } from './reported-error.ts';

/** A call that was read, and where it was received. */
export interface ReadCall<Payload> {
  readonly context: BranchCallContext<Payload>;
  /** Handlers at two places never share a nested branch. */
  readonly place: string;
}

/** The outcome of a call, independent of the transport. */
export type CallOutcome =
  /** `complain` passes an error about the response to the hook: the value cannot be sent. */
  | { readonly kind: 'SUCCESS'; readonly value: unknown; readonly complain: (error: unknown) => void }
  | { readonly kind: 'FAILURE' | 'ONGOING' | 'UNKNOWN'; readonly reason: string }
  /** The call could not be read. */
  | { readonly kind: 'BAD'; readonly error: BadBranchCall };

/**
 * Serves one call of a participant's handler. Never throws. `currentBranch` returns the call while
 * the handler runs.
 *
 * @param read throws `BadBranchCall` for a call that cannot be read
 */
export async function serveCall<Payload>(
  handler: BranchHandler<Payload>,
  { onError }: ErrorOptions,
  read: () => Promise<ReadCall<Payload>>,
): Promise<CallOutcome> {
  let call: BranchCallContext<Payload> | undefined;
  const complain = (error: unknown): void => notify(onError, error, call);
  try {
    const { context, place } = await read();
    call = context;
    return { kind: 'SUCCESS', value: await serveBranch(context, handler, place), complain };
  } catch (thrown) {
    const error = readableThrown(thrown);
    if (error instanceof BadBranchCall) {
      complain(error);
      return { kind: 'BAD', error };
    }
    const { kind, reason } = resultOfThrown(error);
    if (kind === 'FAILURE' || kind === 'ONGOING') return { kind, reason };
    complain(error);
    return { kind: 'UNKNOWN', reason };
  }
}

/** Passes an error to the hook, or warns of it. */
export function notify(onError: ErrorOptions['onError'], error: unknown, call: BranchCallContext | undefined): void {
  // An error of the hook itself is ignored: the response to the coordinator matters more.
  callHook(() => (onError ?? warnOfError)(error, call));
}
