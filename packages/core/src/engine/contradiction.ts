import type { HoldfastError } from '@holdfast/protocol';
import type { Transaction } from '../model.ts';
import { contradicts, otherContent } from './errors.ts';
import { differenceOf } from './identity.ts';
import type { Delivery } from './run.ts';

/** Why a delivery is about another transaction than the one that has its gid; undefined: it is about this one. */
export function contradictionOf(
  transaction: Transaction,
  { event, pattern, definition }: Delivery,
  isStored: boolean,
): HoldfastError | undefined {
  const { key, definition: stored } = transaction;
  if (pattern !== undefined && pattern !== stored.pattern) return contradicts(key, transaction, pattern);
  if (definition === undefined || !isStored) return undefined;
  const kind = event.kind === 'prepared' ? 'prepared' : 'submitted';
  const difference = differenceOf(stored, transaction.state, definition, kind);
  return difference && otherContent(key, transaction, difference);
}
