import { isAnonymous, type Principal, principalOf } from '@holdfast/protocol';
import type { CallContext } from '../call-context.ts';
import type { Definition } from '../patterns/model.ts';

/** The principal of a command as its event has it; empty for an anonymous one. */
export function byOf({ principal }: CallContext): { readonly by?: string } {
  if (isAnonymous(principal)) return NOBODY;
  return { by: checkedId(principal) };
}

const NOBODY = {};

/**
 * Adds the creator and the trace, if there are any, to a new definition that nothing else refers
 * to. A copy would cost more than the rest of its creation.
 */
export function addOrigin(definition: Definition, { principal, trace }: CallContext): Definition {
  const added: { -readonly [name in 'createdBy' | 'trace']?: Definition[name] } = definition;
  if (!isAnonymous(principal)) added.createdBy = checkedId(principal);
  if (trace !== undefined) added.trace = trace;
  return definition;
}

/** The IDs that were checked: all requests of a caller have the same principal. */
const checked = new WeakMap<Principal, string>();

/** Every transport checks its principals; the engine stores none that was not checked. */
function checkedId(principal: Principal): string {
  const { id, roles } = principal;
  if (checked.get(principal) !== id) checked.set(principal, principalOf(id, roles).id);
  return id;
}
