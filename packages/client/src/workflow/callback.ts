import type { BranchCallContext, BranchHandler } from '../participants/call.ts';

/**
 * The endpoint that the coordinator calls workflows back at (`callbackUrl`): a participant's
 * handler, for `branch` of any framework.
 *
 *     app.post('/workflows', branch(workflowCallback(hf)))
 *
 * All workflows must be defined before it is served. A call-back is answered at the latest after a
 * second; longer work goes on in the background.
 */
export const workflowCallback =
  (hf: { runCallback(call: BranchCallContext): Promise<void> }): BranchHandler<unknown> =>
  (call) =>
    hf.runCallback(call);
