import { branch, BranchFailure, checkBack } from '@holdfast/client/express';
import { Router } from 'express';
import type { PatternExample } from './pattern.ts';

/**
 * Two-phase message: bank A, which initiates the transfer, takes the money in a local transaction;
 * the message to bank B is sent if and only if that transaction commits. Bank B cannot reject the
 * message. Bank A therefore checks with bank B first, before anything is locked; if bank B cannot
 * be reached, the transfer is still allowed.
 */
export const message: PatternExample = {
  bankA: (bank) => Router().get('/check-back', checkBack(bank.barrier)),

  bankB: (bank) =>
    Router()
      .post('/deposit', branch(bank.barrier, bank.deposit))
      .get('/closed', async (_request, response) => void response.json(await bank.isClosed())),

  transfer:
    ({ hf, a, b, bankA, options }) =>
    (gid, amount) =>
      hf
        .message(gid)
        .step(b.deposit, { amount })
        .options(options)
        .submitWith(
          bankA.barrier,
          a.checkBack,
          async (sql) => {
            if (await respondsTrue(b.closed)) throw new BranchFailure("Ben's account is closed");
            await bankA.debit({ payload: { amount } }, sql);
          },
          { wait: true },
        ),
};

const respondsTrue = (url: string): Promise<boolean> =>
  fetch(url, { signal: AbortSignal.timeout(1_000) }).then(
    async (response) => response.ok && (await response.json()) === true,
    () => false,
  );
