import { isAnonymous } from '@holdfast/protocol';
import type { Coordinator } from '@holdfast/core';
import type { OPERATOR_ACTIONS } from '@holdfast/protocol';
import { writeDetails } from '../v1/write-view.ts';
import type { ImplementationsOf } from './implementation.ts';
import { Views } from './views.ts';

export function operatorActions(coordinator: Coordinator): ImplementationsOf<typeof OPERATOR_ACTIONS> {
  const views = new Views(coordinator);
  return {
    async abortTransaction(context, { gid, body }, waitMs) {
      const { reason, by = 'operator' } = body ?? {};
      const byOperator = by === 'operator';
      const { principal } = context;
      const actor = isAnonymous(principal) ? `${byOperator ? 'an' : 'its'} ${by}` : principal.id;
      const why = reason ?? `aborted by ${actor}`;
      views.assertMayWait(gid, waitMs);
      const aborted = await coordinator.abort(context, { gid, reason: why, byOperator });
      return writeDetails(await views.readAfter(context, gid, waitMs, aborted));
    },

    async retryTransaction(context, { gid }, waitMs) {
      views.assertMayWait(gid, waitMs);
      const retried = await coordinator.retryNow(context, gid);
      return writeDetails(await views.readAfter(context, gid, waitMs, retried));
    },

    async stopTransaction(context, { gid, body }, waitMs) {
      const { reason = '' } = body ?? {};
      views.assertMayWait(gid, waitMs);
      const stopped = await coordinator.forceStop(context, { gid, reason });
      return writeDetails(await views.readAfter(context, gid, waitMs, stopped));
    },
  };
}
