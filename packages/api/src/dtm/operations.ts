import type { CallDescriptor } from '@holdfast/protocol';

/**
 * The calls of dtm's wire. Interceptors derive from this list what they derive from `OPERATIONS`
 * for `/api/v1`: access control, audit, metrics, tracing and deadlines.
 */
export const DTM_OPERATIONS = {
  version: { kind: 'query', role: 'viewer', audited: false },
  newGid: { kind: 'query', role: 'submitter', audited: false },
  prepare: { kind: 'command', role: 'submitter', audited: false },
  submit: { kind: 'command', role: 'submitter', audited: false, waits: true },
  // Sent by the code that runs the transaction, at the rate of its business failures: dtm's wire
  // rolls back no running saga.
  abort: { kind: 'command', role: 'submitter', audited: false, waits: true },
  registerBranch: { kind: 'command', role: 'submitter', audited: false },
  prepareWorkflow: { kind: 'command', role: 'submitter', audited: false },
  forceStop: { kind: 'operator', role: 'operator', audited: true },
  resetNextCronTime: { kind: 'operator', role: 'operator', audited: true },
  resetCronTime: { kind: 'operator', role: 'operator', audited: true },
  // On dtm's wire, transactions have their payloads, which a viewer must not read.
  query: { kind: 'query', role: 'submitter', audited: false },
  all: { kind: 'query', role: 'submitter', audited: false },
  scanKeyValues: { kind: 'query', role: 'viewer', audited: false },
  queryKeyValue: { kind: 'query', role: 'viewer', audited: false },
  subscribe: { kind: 'command', role: 'submitter', audited: true },
  unsubscribe: { kind: 'command', role: 'submitter', audited: true },
  deleteTopic: { kind: 'operator', role: 'operator', audited: true },
} as const satisfies Readonly<Record<string, CallDescriptor>>;

export type DtmOperationName = keyof typeof DTM_OPERATIONS;

/** The names of all calls of dtm's wire. */
export const DTM_OPERATION_NAMES = Object.keys(DTM_OPERATIONS) as readonly DtmOperationName[];
