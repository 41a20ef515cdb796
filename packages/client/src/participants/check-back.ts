import { BranchFailure } from '@holdfast/protocol';
import type { Barrier } from '../barrier/barrier.ts';
import { BadBranchCall, type BranchHandler } from './call.ts';

/**
 * Serves the URL at which a coordinator checks back about the local transaction of a two-phase
 * message: returning means committed, `BranchFailure` that it was not and never will be, any other
 * error that the outcome is unknown.
 */
export function checkBackHandler(barrier: Pick<Barrier<unknown>, 'checkBack'>): BranchHandler<unknown> {
  return async ({ gid, transType, op }) => {
    // A step's action that was given this URL by mistake must not abandon a message.
    if (transType !== 'msg' || op !== 'msg')
      throw new BadBranchCall(400, `this URL checks messages back; it was called for ${op} of a ${transType}`);
    if ((await barrier.checkBack(gid)) === 'refused')
      throw new BranchFailure(`the local transaction of message ${gid} was not committed`);
  };
}
