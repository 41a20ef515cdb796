import type { Amount } from '../banks/branches.ts';
import type { PatternExample } from './pattern.ts';
import { saga } from './saga.ts';

/**
 * Workflow: the transfer is code, which may decide and repeat as code does; each step's answer is
 * recorded. Here it uses the banks as a saga does. If a step is in doubt, or this process dies, the
 * coordinator calls back, and the code goes on behind the last recorded step.
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
