import { stackOfThrown, textOfThrown, withoutSecrets } from '@holdfast/protocol';
import type { BranchCallContext, ErrorOptions } from './call.ts';
import { BadBranchCall } from './call.ts';

/**
 * Without an `onError`, an error of a handler becomes a warning of the process, with the stack.
 * Node prints warnings on stderr, and an application can listen to them or silence them. A call
 * that cannot be read is not a bug of the handler: the caller receives the message, and nothing is
 * printed here.
 */
export const warnOfError: NonNullable<ErrorOptions['onError']> = (error, call) => {
  if (error instanceof BadBranchCall && error.cause === undefined) return;
  const stack = stackOfThrown(error);
  process.emitWarning(withoutSecrets(`an error in ${about(call)}: ${textOfThrown(error)}`), {
    type: 'HoldfastWarning',
    ...(stack === undefined ? {} : { detail: withoutSecrets(stack) }),
  });
};

const about = (call: BranchCallContext | undefined): string =>
  call === undefined ? 'a branch' : `${call.op} of branch ${call.branchId} of ${call.transType} ${call.gid}`;
