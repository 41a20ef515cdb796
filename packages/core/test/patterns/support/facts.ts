import type { Transaction } from '../../../src/patterns/index.ts';
import type { Observation } from './model.ts';

/** Small questions that invariants are made of. */

/** The named op of these indices. */
export const isOp = (transaction: Transaction, index: number, op: string): boolean =>
  transaction.branches[index]?.op === op;

export const isDone = (transaction: Transaction, index: number): boolean =>
  transaction.state.branches[index]?.status === 'succeed';

/** All indices of an op, in the order of the branches. */
export const indicesOf = (transaction: Transaction, op: string): number[] =>
  transaction.branches.flatMap((branch, index) => (branch.op === op ? [index] : []));

/** This step took it to that status. */
export const became = ({ before, after }: Observation, status: string): boolean =>
  before.state.status !== status && after.state.status === status;

export const statusChanged = ({ before, after }: Observation): boolean => before.state.status !== after.state.status;

export const calledOps = ({ after, effects }: Observation, op: string): number[] =>
  effects.calls.filter((index) => isOp(after, index, op));
