import { declareBranch } from '@holdfast/client';

/** What every branch of a transfer is sent: cents. */
export interface Amount {
  readonly amount: number;
}

/** What bank A, which holds Ana's account, offers to which pattern. */
export const branchesOfA = (url: string) => ({
  // saga and workflow: do it, undo it
  debit: declareBranch<Amount>(`${url}/debit`),
  refund: declareBranch<Amount>(`${url}/refund`),
  // tcc: put it aside, then spend it or give it back
  hold: declareBranch<Amount>(`${url}/hold`),
  spend: declareBranch<Amount>(`${url}/spend`),
  release: declareBranch<Amount>(`${url}/release`),
  // xa: do it, and let the database hold it
  xaDebit: declareBranch<Amount>(`${url}/xa-debit`),
  // message: was it committed?
  checkBack: `${url}/check-back`,
});
export type BranchesOfA = ReturnType<typeof branchesOfA>;

/** What bank B, which holds Ben's account, offers to which pattern. */
export const branchesOfB = (url: string) => ({
  // saga and workflow
  credit: declareBranch<Amount>(`${url}/credit`),
  revoke: declareBranch<Amount>(`${url}/revoke`),
  // tcc
  announce: declareBranch<Amount>(`${url}/announce`),
  receive: declareBranch<Amount>(`${url}/receive`),
  forget: declareBranch<Amount>(`${url}/forget`),
  // xa
  xaCredit: declareBranch<Amount>(`${url}/xa-credit`),
  // message: takes the money, whatever happens; and whether it would rather not
  deposit: declareBranch<Amount>(`${url}/deposit`),
  closed: `${url}/closed`,
});
export type BranchesOfB = ReturnType<typeof branchesOfB>;
