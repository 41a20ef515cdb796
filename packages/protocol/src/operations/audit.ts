import { z } from 'zod';
import { auditPage } from '../api-v1-audit.ts';
import type { Operation } from './operation.ts';
import { count, paging } from './paging.ts';

/** Operations on the audit log. */
export const AUDIT_OPERATIONS = {
  listAudit: {
    summary: 'Reads the audit log: operator actions, and changes of tokens and settings.',
    kind: 'query',
    role: 'admin',
    audited: false,
    method: 'GET',
    path: '/audit',
    query: paging.extend({
      /** Newest first by default. */
      order: z.enum(['newest', 'oldest']).optional(),
      /** Only entries since then; the times are those of the store. */
      fromMs: count.optional(),
      /** Only entries until then. */
      toMs: count.optional(),
      /** Only entries of this principal. */
      principal: z.string().optional(),
      /** Only entries about this transaction. */
      gid: z.string().optional(),
      /** Only entries of this operation, such as `stopTransaction`. */
      operation: z.string().optional(),
    }),
    result: auditPage,
    mayBeLong: true,
  },
} as const satisfies Readonly<Record<string, Operation>>;
