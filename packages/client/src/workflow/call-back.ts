import type { BranchCallContext, BranchHandler } from '../participants/call.ts';

/**
 * The endpoint that the coordinator calls workflows back at (`callBackUrl`): a participant's
 * handler, for `branch` of any framework.
 *
 *     app.post('/workflows', branch(workflowCallBack(hf)))
 *
 * All workflows must be defined before it is served. A call-back is answered at the latest after a
 * second; longer work goes on in the background.
 */
export const workflowCallBack =
  (hf: { runCallBack(call: BranchCallContext): Promise<void> }): BranchHandler<unknown> =>
  (call) =>
    hf.runCallBack(call);
