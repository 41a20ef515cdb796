import { z } from 'zod';
import { transactionDetails, transactionPage, transactionReply, transactionRequest } from '../api-v1.ts';
import { submitRequest } from '../api-v1-branches.ts';
import { PATTERNS, STATUSES } from '../vocabulary.ts';
import type { Operation } from './operation.ts';
import { count } from './paging.ts';

/** Operations of callers that start transactions, and of everybody who reads them. */
export const TRANSACTION_OPERATIONS = {
  createTransaction: {
    summary: 'Starts a transaction of any pattern.',
    kind: 'command',
    role: 'submitter',
    audited: false,
    method: 'POST',
    path: '/transactions',
    body: transactionRequest,
    keepsPayloadTexts: true,
    result: transactionReply,
    waits: true,
  },
  listTransactions: {
    summary: 'Lists transactions, newest first.',
    kind: 'query',
    role: 'viewer',
    audited: false,
    method: 'GET',
    path: '/transactions',
    query: z.object({
      gid: z.string().optional(),
      status: z.enum(STATUSES).optional(),
      pattern: z.enum(PATTERNS).optional(),
      /** Only transactions that need operator attention, or only the others. */
      attention: z.boolean().optional(),
      createdFromMs: count.optional(),
      createdToMs: count.optional(),
      /** `next` of the previous page. */
      cursor: z.string().optional(),
      limit: count.optional(),
    }),
    result: transactionPage,
    mayBeLong: true,
  },
  getTransaction: {
    summary: 'Reads one transaction with its branches and timeline, without payloads.',
    kind: 'query',
    role: 'viewer',
    audited: false,
    method: 'GET',
    path: '/transactions/:gid',
    result: transactionDetails,
    waits: true,
    mayBeLong: true,
  },
  submitTransaction: {
    summary: 'Submits a prepared transaction.',
    kind: 'command',
    role: 'submitter',
    audited: false,
    method: 'POST',
    path: '/transactions/:gid/submit',
    body: submitRequest,
    bodyIsOptional: true,
    result: transactionReply,
    waits: true,
  },
} as const satisfies Readonly<Record<string, Operation>>;
