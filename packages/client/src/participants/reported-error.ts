import { stackOfThrown, textOfThrown, withoutSecrets } from '@holdfast/protocol';
import { CallNotVerified } from '@holdfast/protocol/signing';
import type { BranchCallContext, ErrorOptions } from './call.ts';
import { BadBranchCall } from './call.ts';

/**
 * Without an `onError`, an error of a handler becomes a warning of the process, with the stack.
 * Node prints warnings on stderr, and an application can listen to them or silence them. A call
 * that cannot be read is not a bug of the handler: the caller receives the message, and nothing is
 * printed here. Calls that are not verified can come from any client, and are printed at
 * intervals.
 */
export const warnOfError: NonNullable<ErrorOptions['onError']> = (error, call) => {
  if (error instanceof BadBranchCall && error.cause === undefined) return;
  if (error instanceof BadBranchCall && error.cause instanceof CallNotVerified) return unverified.warn(error.message);
  const stack = stackOfThrown(error);
  process.emitWarning(withoutSecrets(`an error in ${about(call)}: ${textOfThrown(error)}`), {
    type: 'HoldfastWarning',
    ...(stack === undefined ? {} : { detail: withoutSecrets(stack) }),
  });
};

const INTERVAL_MS = 10_000;

/** Warnings of calls that were not verified: one in 10 s, with the number of those before it. */
class UnverifiedCalls {
  #nextMs = -Infinity;
  #others = 0;

  warn(message: string): void {
    const nowMs = performance.now();
    if (nowMs < this.#nextMs) return void this.#others++;
    const others = this.#others === 0 ? '' : ` (and ${this.#others} other calls before it)`;
    process.emitWarning(withoutSecrets(`a call was rejected: ${message}${others}`), { type: 'HoldfastWarning' });
    this.#nextMs = nowMs + INTERVAL_MS;
    this.#others = 0;
  }
}

const unverified = new UnverifiedCalls();

const about = (call: BranchCallContext | undefined): string =>
  call === undefined ? 'a branch' : `${call.op} of branch ${call.branchId} of ${call.transType} ${call.gid}`;
