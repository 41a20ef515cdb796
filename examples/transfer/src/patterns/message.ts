import { branch, BranchFailure, checkBack } from '@holdfast/client/express';
import { Router } from 'express';
import type { PatternExample } from './pattern.ts';

/**
 * Two-phase message: bank A, whose own transfer it is, takes the money in a local transaction, and
 * the message to bank B goes out if and only if that is committed. Bank B cannot refuse it. So it
 * is asked before, while nothing is locked; a bank that cannot be asked has not said no.
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
            if (await answersYes(b.closed)) throw new BranchFailure("Ben's account is closed");
            await bankA.debit({ payload: { amount } }, sql);
          },
          { wait: true },
        ),
};

const answersYes = (url: string): Promise<boolean> =>
  fetch(url, { signal: AbortSignal.timeout(1_000) }).then(
    async (answer) => answer.ok && (await answer.json()) === true,
    () => false,
  );
