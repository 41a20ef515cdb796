import type { RegisteredBranch } from '../model.ts';

/**
 * What a nested branch's id has more than that of its parent: ids of clients and SDKs have two
 * digits a level.
 */
const NESTED = /^(?:\d\d)+$/;

/**
 * How the branches that are registered differ from those that the submitting run of a tcc or xa
 * called; undefined: they do not. Another run under the gid may have registered a branch that was
 * never tried, or whose try failed, and a registration may be lost: neither may be confirmed.
 *
 * A branch whose id is that of a called one and more pairs of digits is nested: the called branch's
 * participant registered it, and its try includes it.
 */
export function otherBranch(registered: readonly RegisteredBranch[], called: readonly string[]): string | undefined {
  const ids = new Set(registered.map(({ branchId }) => branchId));
  for (const id of ids)
    if (!called.some((one) => id === one || (id.startsWith(one) && NESTED.test(id.slice(one.length)))))
      return `branch ${id} is registered, but the run that submitted did not call it`;
  const lost = called.find((id) => !ids.has(id));
  return lost === undefined ? undefined : `branch ${lost} was called, but is not registered`;
}
