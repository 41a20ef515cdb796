import { BranchFailure } from '@holdfast/protocol';
import type { Barrier } from '../barrier/barrier.ts';
import { BadBranchCall, type BranchHandler } from './call.ts';

/**
 * Serves the URL at which a coordinator asks what became of the local transaction of a two-phase message: returned means committed, `BranchFailure`
 * that it was not and never will be, anything else thrown that nobody can tell now.
 */
export function checkBackHandler(barrier: Pick<Barrier<unknown>, 'checkBack'>): BranchHandler<unknown> {
  return async ({ gid, transType, op }) => {
    // A step's action that was given this URL by mistake must not give up a message.
    if (transType !== 'msg' || op !== 'msg')
      throw new BadBranchCall(400, `this URL checks messages back; it was called for ${op} of a ${transType}`);
    if ((await barrier.checkBack(gid)) === 'refused')
      throw new BranchFailure(`the local transaction of message ${gid} was not committed`);
  };
}
