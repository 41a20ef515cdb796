import type { Holdfast, TransactionOptions } from '@holdfast/client';
import type { Router } from 'express';
import type { BankA } from '../banks/bank-a.ts';
import type { BankB } from '../banks/bank-b.ts';
import type { BranchesOfA, BranchesOfB } from '../banks/branches.ts';

/** Both sides of one pattern: what it needs of each bank, and what the application does. */
export interface PatternExample {
  readonly bankA: (bank: BankA) => Router;
  readonly bankB: (bank: BankB) => Router;
  readonly transfer: (application: Application) => Transfer;
}

/** What the application knows. */
export interface Application {
  readonly hf: Holdfast;
  /** URLs. */
  readonly a: BranchesOfA;
  readonly b: BranchesOfB;
  /** How long a bank may take to answer. */
  readonly options: TransactionOptions;
  /** Where it is called back at. */
  readonly callbackUrl: string;
  /** Bank A is the application's own, for patterns in which one of the two is. */
  readonly bankA: BankA;
}

/** Moves cents from Ana to Ben. Rejects when nothing was moved. */
export type Transfer = (gid: string, amount: number) => Promise<unknown>;
