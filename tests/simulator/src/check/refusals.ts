import type { HoldfastError, Status } from '@holdfast/protocol';
import { StoreError } from '@holdfast/core/store';
import type { Case } from '../parts/case.ts';

/** A request of a client. */
export type Command =
  | 'prepare'
  | 'prepare workflow'
  | 'submit'
  | 'abort'
  | 'register'
  | 'record'
  | 'finish-succeed'
  | 'finish-failed'
  | 'heartbeat';

/** The statuses in which a request consistent with the transaction may be rejected. */
const MAY_REFUSE: Readonly<Record<Command, readonly Status[]>> = {
  prepare: ['submitted', 'aborting', 'succeed', 'failed'],
  'prepare workflow': [],
  submit: ['aborting', 'failed'],
  abort: ['submitted', 'succeed', 'failed'],
  register: ['submitted', 'aborting', 'succeed', 'failed'],
  record: ['aborting', 'succeed', 'failed'],
  'finish-succeed': ['aborting', 'failed'],
  'finish-failed': ['succeed'],
  heartbeat: ['succeed', 'failed'],
};

/** The store failed with a code for which it has no reason. */
export const isOfStore = ({ cause }: HoldfastError): boolean => cause instanceof StoreError;

/**
 * Why a rejection is unfounded; undefined if it has a reason. Judged against the store at the
 * moment of the response.
 */
export function refusalIsUnfounded(one: Case, command: Command, error: HoldfastError): string | undefined {
  // The error comes from an injected fault of the store.
  if (isOfStore(error)) return undefined;
  const status = one.record?.status;
  if (error.code === 'not_found') return status === undefined ? undefined : `the record is ${status}`;
  if (error.code !== 'refused') return 'its content is right';
  // Two processes run a workflow's code; the second one finds the outcome recorded by the first.
  if (command === 'record' && error.field?.[0] === 'status') return undefined;
  if (error.field !== undefined) return 'its content is that of the transaction';
  if (status !== undefined && MAY_REFUSE[command].includes(status)) return undefined;
  return `the record is ${status ?? 'not there'}`;
}
