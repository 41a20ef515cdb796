import { runOfDigest } from '@holdfast/protocol';
import type { RegisteredBranch } from './model.ts';

/**
 * The part of a nested branch's ID after that of its parent: IDs of clients and SDKs have two
 * digits per level.
 */
const NESTED = /^(?:\d\d)+$/;

/**
 * The difference between the registered branches and those that the submitting run of a tcc or xa
 * called; undefined: none. Another run under the gid may have registered a branch that was never
 * tried, or whose try failed, and a registration may be lost: neither may be confirmed.
 *
 * A branch whose ID is that of a called one and more pairs of digits is nested: the called branch's
 * participant registered it, and its try includes it. Unless the try was that of another run: the
 * registration of a nested branch names the run, if the participant knew it.
 *
 * @param run the submitting run; undefined: not known
 */
export function otherBranch(
  registered: readonly RegisteredBranch[],
  called: readonly string[],
  run?: string,
): string | undefined {
  const ids = new Set(registered.map(({ branchId }) => branchId));
  for (const id of ids)
    if (!called.some((one) => id === one || (id.startsWith(one) && NESTED.test(id.slice(one.length)))))
      return `branch ${id} is registered, but the run that submitted did not call it`;
  const other = run === undefined ? undefined : registered.find(({ digest }) => isOfAnother(run, digest));
  if (other !== undefined) return `nested branch ${other.branchId} was registered within another run under this gid`;
  const lost = called.find((id) => !ids.has(id));
  return lost === undefined ? undefined : `branch ${lost} was called, but is not registered`;
}

function isOfAnother(run: string, digest: string | undefined): boolean {
  const of = runOfDigest(digest);
  return of !== undefined && of !== run;
}
