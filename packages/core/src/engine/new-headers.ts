import type { HoldfastError } from '@holdfast/protocol';
import type { BranchCaller } from '../environment.ts';
import type { Transaction } from '../patterns/model.ts';
import type { Delivery } from './delivery.ts';
import { uncallable } from './errors.ts';

/**
 * Returns the error for a submit of a prepared transaction that replaces its headers with some that
 * the call of a branch cannot carry; undefined if there is none. Before the submit, the branches
 * were checked with the headers of the preparation.
 */
export function faultOfNewHeaders(
  caller: BranchCaller,
  { key: { gid }, definition, state, branches }: Transaction,
  { event }: Delivery,
): HoldfastError | undefined {
  if (event.kind !== 'submitted' || event.options.branchHeaders === undefined) return undefined;
  if (state.status !== 'prepared' || caller.faultOf === undefined) return undefined;
  const { pattern, protocol } = definition;
  const { options } = event;
  for (const { branchId, url, payload } of branches) {
    const fault = url === '' ? undefined : caller.faultOf(url, { gid, pattern, protocol, branchId, options, payload });
    if (fault !== undefined) return uncallable(gid, ['branchHeaders'], fault, url);
  }
  return undefined;
}
