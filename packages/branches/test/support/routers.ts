import { BranchRouter, ConnectionPools, createBranchRegistry, LocalBranches } from '@holdfast/branches';

/** A router over all protocols of this version. */
export function branchRouter(pools = new ConnectionPools(), locals = new LocalBranches()): BranchRouter {
  return new BranchRouter(createBranchRegistry({ pools, locals }));
}
