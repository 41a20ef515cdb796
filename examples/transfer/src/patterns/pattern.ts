import type { Holdfast, TransactionOptions } from '@holdfast/client';
import type { Router } from 'express';
import type { BankA } from '../banks/bank-a.ts';
import type { BankB } from '../banks/bank-b.ts';
import type { BranchesOfA, BranchesOfB } from '../banks/branches.ts';

/** Both sides of one pattern: the operations of each bank, and the application's code. */
export interface PatternExample {
  readonly bankA: (bank: BankA) => Router;
  readonly bankB: (bank: BankB) => Router;
  readonly transfer: (application: Application) => Transfer;
}

/** The environment of the application. */
export interface Application {
  readonly hf: Holdfast;
  /** URLs. */
  readonly a: BranchesOfA;
  readonly b: BranchesOfB;
  /** Includes the timeout of a bank's response. */
  readonly options: TransactionOptions;
  /** The URL for check-backs and callbacks. */
  readonly callbackUrl: string;
  /** Bank A is the application's own, for patterns in which one of the two is. */
  readonly bankA: BankA;
}

/** Moves cents from Ana to Ben. Rejects if nothing was moved. */
export type Transfer = (gid: string, amount: number) => Promise<unknown>;
