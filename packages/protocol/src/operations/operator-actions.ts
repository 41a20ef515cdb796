import { transactionDetails } from '../api-v1.ts';
import { abortRequest, retryRequest, stopRequest } from '../api-v1-status.ts';
import type { Operation } from './operation.ts';

/** Operator actions; each responds with the changed transaction. */
export const OPERATOR_ACTIONS = {
  abortTransaction: {
    summary: 'Rolls a transaction back: by an operator also a running saga, or by the code that runs it.',
    kind: 'operator',
    role: 'operator',
    // The code that runs a transaction may abandon it.
    roleOf: ({ body }) => (abortRequest.safeParse(body).data?.by === 'initiator' ? 'submitter' : 'operator'),
    audited: true,
    // Clients abort at the rate of their business failures; the timeline contains it.
    auditedOf: ({ body }) => abortRequest.safeParse(body).data?.by !== 'initiator',
    method: 'POST',
    path: '/transactions/:gid/abort',
    body: abortRequest,
    bodyIsOptional: true,
    result: transactionDetails,
    waits: true,
    mayBeLong: true,
  },
  retryTransaction: {
    summary: 'Drives an unfinished transaction at once, also if it is parked.',
    kind: 'operator',
    role: 'operator',
    audited: true,
    method: 'POST',
    path: '/transactions/:gid/retry',
    body: retryRequest,
    bodyIsOptional: true,
    result: transactionDetails,
    waits: true,
    mayBeLong: true,
  },
  stopTransaction: {
    summary: 'Force-stops a transaction: it becomes failed, and nothing is compensated.',
    kind: 'operator',
    role: 'operator',
    audited: true,
    method: 'POST',
    path: '/transactions/:gid/stop',
    body: stopRequest,
    bodyIsOptional: true,
    result: transactionDetails,
    waits: true,
    mayBeLong: true,
  },
} as const satisfies Readonly<Record<string, Operation>>;
