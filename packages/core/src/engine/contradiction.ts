import type { HoldfastError } from '@holdfast/protocol';
import type { Transaction } from '../patterns/model.ts';
import { contradicts, otherContent } from './errors.ts';
import { differenceOf } from './identity.ts';
import type { Delivery } from './delivery.ts';

/**
 * Returns an error if a delivery refers to a different transaction than the stored one with its
 * gid; undefined if both are the same.
 */
export function contradictionOf(
  transaction: Transaction,
  { event, pattern, definition }: Delivery,
  isStored: boolean,
): HoldfastError | undefined {
  const { key, definition: stored } = transaction;
  if (pattern !== undefined && pattern !== stored.pattern) {
    const found = { pattern: stored.pattern, status: transaction.state.status };
    return contradicts(definition === undefined ? 'wrong_pattern' : 'exists', key.gid, found, pattern);
  }
  if (definition === undefined || !isStored) return undefined;
  const kind = event.kind === 'prepared' ? 'prepared' : 'submitted';
  const difference = differenceOf(stored, transaction.state, definition, kind);
  return difference && otherContent(key, transaction, difference);
}
