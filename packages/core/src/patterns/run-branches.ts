import type { RegisteredBranch } from '../model.ts';

/**
 * How the branches that are registered differ from those that the submitting run of a tcc or xa
 * called; undefined: they do not. Another run under the gid may have registered a branch that was
 * never tried, or whose try failed, and a registration may be lost: neither may be confirmed.
 *
 * A branch whose id begins with that of a called one is nested: the called branch's participant
 * registered it, and its try includes it.
 */
export function otherBranch(registered: readonly RegisteredBranch[], called: readonly string[]): string | undefined {
  const ids = new Set(registered.map(({ branchId }) => branchId));
  for (const id of ids)
    if (!called.some((one) => id.startsWith(one)))
      return `branch ${id} is registered, but the run that submitted did not call it`;
  const lost = called.find((id) => !ids.has(id));
  return lost === undefined ? undefined : `branch ${lost} was called, but is not registered`;
}
