import { BranchFailure, BranchOngoing, readableReason } from '@holdfast/protocol';
import type { InitiatorCall, InitiatorCallResult } from './api/api.ts';
import { BranchUnknown } from './errors.ts';

/**
 * Returns the response of a branch to its initiator.
 *
 * @throws {BranchFailure | BranchOngoing | BranchUnknown} the branch did not succeed
 */
export function bodyOrThrow(call: InitiatorCall, { result, body }: InitiatorCallResult): unknown {
  const reason = readableReason(result.reason);
  switch (result.kind) {
    case 'SUCCESS':
      return body;
    case 'FAILURE':
      throw new BranchFailure(reason);
    case 'ONGOING':
      throw new BranchOngoing(reason);
    case 'UNKNOWN':
      throw new BranchUnknown(call, reason);
  }
}
