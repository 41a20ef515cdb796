import type { Amount } from '../banks/branches.ts';
import type { PatternExample } from './pattern.ts';
import { saga } from './saga.ts';

/**
 * Workflow: the transfer is code, with conditions and loops; the result of each step is recorded.
 * This workflow uses the banks as the saga does. If a step's result is unknown, or this process
 * crashes, the coordinator sends a callback and the code resumes after the last recorded step.
 */
export const workflow: PatternExample = {
  bankA: saga.bankA,

  bankB: saga.bankB,

  transfer: ({ hf, a, b, options, callbackUrl }) => {
    const transfer = hf.workflow('transfer', { version: 1, callbackUrl, ...options }, async (flow, payload: Amount) => {
      await flow.call('debit', { action: a.debit, compensate: a.refund, payload });
      await flow.call('credit', { action: b.credit, compensate: b.revoke, payload });
      return { bookedAtMs: await flow.now('booked') };
    });
    return (gid, amount) => transfer.run({ amount }, { gid, wait: true });
  },
};
