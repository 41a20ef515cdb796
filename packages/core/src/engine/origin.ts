import { isAnonymous, type Principal, principalOf } from '@holdfast/protocol';
import type { CallContext } from '../call-context.ts';
import type { Definition } from '../patterns/model.ts';

/** The principal of a command as its event has it; empty for an anonymous one. */
export function byOf({ principal }: CallContext): { readonly by?: string } {
  if (isAnonymous(principal)) return NOBODY;
  return { by: checkedId(principal) };
}

const NOBODY = {};

/** The definition of a new transaction with its creator and its trace, if there are any. */
export function withOrigin(definition: Definition, { principal, trace }: CallContext): Definition {
  const createdBy = isAnonymous(principal) ? undefined : checkedId(principal);
  if (createdBy === undefined && trace === undefined) return definition;
  return {
    ...definition,
    ...(createdBy !== undefined && { createdBy }),
    ...(trace !== undefined && { trace }),
  };
}

/** Every transport checks its principals; the engine stores none that was not checked. */
const checkedId = ({ id, roles }: Principal): string => principalOf(id, roles).id;
