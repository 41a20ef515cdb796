import type { HoldfastError, Status } from '@holdfast/protocol';
import { StoreError } from '@holdfast/core';
import type { Case } from '../parts/case.ts';

/** What a client asks for. */
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

/** The statuses in which a client that stays true to its transaction may be refused. */
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

/** The store failed with a code that it has no reason for. */
export const isOfStore = ({ cause }: HoldfastError): boolean => cause instanceof StoreError;

/** Why a refusal has no ground; undefined: it has one. Judged against the store at the moment of the response. */
export function refusalIsUnfounded(one: Case, command: Command, error: HoldfastError): string | undefined {
  // The store called it so: one of its faults.
  if (isOfStore(error)) return undefined;
  const status = one.record?.status;
  if (error.code === 'not_found') return status === undefined ? undefined : `the record is ${status}`;
  if (error.code !== 'refused') return 'its content is right';
  // Two processes run a workflow's code; the second one finds what the first one recorded.
  if (command === 'record' && error.field === 'status') return undefined;
  if (error.field !== undefined) return 'its content is that of the transaction';
  if (status !== undefined && MAY_REFUSE[command].includes(status)) return undefined;
  return `the record is ${status ?? 'not there'}`;
}
