import { isAnonymous } from '@holdfast/protocol';
import type { OPERATOR_ACTIONS } from '@holdfast/protocol';
import type { Handlers } from '../handlers/table.ts';
import { writeDetails } from '../v1/write-view.ts';
import type { ImplementationsOf } from './implementation.ts';
import { Views } from './views.ts';

export function operatorActions(handlers: Handlers): ImplementationsOf<typeof OPERATOR_ACTIONS> {
  const views = new Views(handlers);
  return {
    async abortTransaction(context, { gid, body }, waitMs) {
      const { reason, by = 'operator' } = body ?? {};
      const byOperator = by === 'operator';
      const { principal } = context;
      const actor = isAnonymous(principal) ? `${byOperator ? 'an' : 'its'} ${by}` : principal.id;
      const why = reason ?? `aborted by ${actor}`;
      await views.assertMayWait(context, gid, waitMs);
      const aborted = await handlers.abort(context, { gid, reason: why, byOperator });
      return writeDetails(await views.readAfter(context, gid, waitMs, aborted));
    },

    async retryTransaction(context, { gid }, waitMs) {
      await views.assertMayWait(context, gid, waitMs);
      const retried = await handlers.retryNow(context, gid);
      return writeDetails(await views.readAfter(context, gid, waitMs, retried));
    },

    async stopTransaction(context, { gid, body }, waitMs) {
      const { reason = '' } = body ?? {};
      await views.assertMayWait(context, gid, waitMs);
      const stopped = await handlers.forceStop(context, { gid, reason });
      return writeDetails(await views.readAfter(context, gid, waitMs, stopped));
    },
  };
}
