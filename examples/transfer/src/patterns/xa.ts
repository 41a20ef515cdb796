import { branch } from '@holdfast/client/express';
import { Router } from 'express';
import type { PatternExample } from './pattern.ts';

/**
 * XA: each database does the work and keeps it prepared, neither committed nor rolled back, until
 * both have. There is nothing to undo; the rows are locked until the end.
 */
export const xa: PatternExample = {
  // One URL serves action, commit and rollback.
  bankA: (bank) => Router().post('/xa-debit', branch(bank.xa, bank.debit)),

  bankB: (bank) => Router().post('/xa-credit', branch(bank.xa, bank.credit)),

  transfer:
    ({ hf, a, b, options }) =>
    (gid, amount) =>
      hf.xa(
        async (tx) => {
          await tx.call({ url: a.xaDebit, payload: { amount } });
          await tx.call({ url: b.xaCredit, payload: { amount } });
        },
        { gid, ...options, wait: true },
      ),
};
