import { fromStore } from '@holdfast/core/engine';
import { type AUDIT_OPERATIONS, HoldfastError } from '@holdfast/protocol';
import { hasAllNamespaces } from '../access/namespaces.ts';
import type { AuditLog } from '../audit/audit-log.ts';
import { auditPageOf } from '../audit/audit-pages.ts';
import { DEFAULT_PAGE_SIZE } from '../reading/query-reader.ts';
import type { ImplementationsOf } from './implementation.ts';

/** @param log undefined: nothing is recorded */
export const auditOperations = (log: AuditLog | undefined): ImplementationsOf<typeof AUDIT_OPERATIONS> => ({
  async listAudit({ principal }, { query: { limit, order = 'newest', cursor, ...filter } }) {
    if (log === undefined)
      throw new HoldfastError('refused', 'this coordinator keeps no audit log; start it with --audit on, or --auth');
    // The chain is one for all namespaces, and a part of it cannot be verified.
    if (!hasAllNamespaces(principal))
      throw new HoldfastError('forbidden', 'the audit log covers all namespaces, and the caller may not act in all');
    const page = { ...filter, order, limit: limit || DEFAULT_PAGE_SIZE, cursor: cursor || undefined };
    return fromStore(() => auditPageOf(log, page));
  },
});
