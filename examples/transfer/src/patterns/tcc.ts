import { branch } from '@holdfast/client/express';
import { Router } from 'express';
import type { PatternExample } from './pattern.ts';

/**
 * TCC: each bank first reserves the amount (try); if both could, both book it (confirm), otherwise
 * both release it (cancel). Money that may still be returned is never visible.
 */
export const tcc: PatternExample = {
  bankA: (bank) =>
    Router()
      .post('/hold', branch(bank.barrier, bank.hold))
      .post('/spend', branch(bank.barrier, bank.spend))
      .post('/release', branch(bank.barrier, bank.release)),

  bankB: (bank) =>
    Router()
      .post('/announce', branch(bank.barrier, bank.announce))
      .post('/receive', branch(bank.barrier, bank.receive))
      .post('/forget', branch(bank.barrier, bank.forget)),

  transfer:
    ({ hf, a, b, options }) =>
    (gid, amount) =>
      hf.tcc(
        async (tx) => {
          await tx.call({ try: a.hold, confirm: a.spend, cancel: a.release, payload: { amount } });
          await tx.call({ try: b.announce, confirm: b.receive, cancel: b.forget, payload: { amount } });
        },
        { gid, ...options, wait: true },
      ),
};
