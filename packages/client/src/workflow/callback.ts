import type { BranchCallContext, BranchHandler } from '../participants/call.ts';

/**
 * The endpoint to which the coordinator sends callbacks of workflows (`callbackUrl`): a
 * participant's handler, for `branch` of any framework.
 *
 *     app.post('/workflows', branch(workflowCallback(hf)))
 *
 * All workflows must be defined before callbacks are served. A callback receives its response after
 * at most a second; longer work continues in the background.
 */
export const workflowCallback =
  (hf: { runCallback(call: BranchCallContext): Promise<void> }): BranchHandler<unknown> =>
  (call) =>
    hf.runCallback(call);
