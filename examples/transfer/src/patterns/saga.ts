import { branch } from '@holdfast/client/express';
import { Router } from 'express';
import type { PatternExample } from './pattern.ts';

/**
 * Saga: each step takes effect at once and has a compensation. If Ben's bank rejects the credit,
 * Ana's money is refunded; in between, it is visibly missing.
 */
export const saga: PatternExample = {
  bankA: (bank) =>
    Router() //
      .post('/debit', branch(bank.barrier, bank.debit))
      .post('/refund', branch(bank.barrier, bank.refund)),

  bankB: (bank) =>
    Router() //
      .post('/credit', branch(bank.barrier, bank.credit))
      .post('/revoke', branch(bank.barrier, bank.revoke)),

  transfer:
    ({ hf, a, b, options }) =>
    (gid, amount) =>
      hf
        .saga(gid)
        .step({ action: a.debit, compensate: a.refund, payload: { amount } })
        .step({ action: b.credit, compensate: b.revoke, payload: { amount } })
        .options(options)
        .submit({ wait: true }),
};
