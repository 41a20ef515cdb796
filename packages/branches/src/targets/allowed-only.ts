import { branchResult } from '@holdfast/protocol';
import type { BranchInterceptor } from '../registry/branch-protocol.ts';
import type { BranchTargets } from './branch-targets.ts';

/**
 * Does not make calls to targets that the current rules do not allow, since a transaction may be
 * older than they are. The result is UNKNOWN: the operator may have meant to keep the target, so
 * nothing is decided, and the calls succeed once the target is allowed again.
 */
export const allowedOnly =
  (targets: BranchTargets): BranchInterceptor =>
  (next, protocol) =>
    protocol.isInProcess === true
      ? next
      : (request, target) => {
          const { destination, endpoints } = target;
          const fault = endpoints && targets.faultOf(request.namespace, destination, endpoints);
          return fault === undefined
            ? next(request, target)
            : Promise.resolve(branchResult('UNKNOWN', `not called: ${fault}`));
        };
