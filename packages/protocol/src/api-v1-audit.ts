import { z } from 'zod';

/** Responses of `/api/v1` about the audit log. */

/** A point of the chain of the audit log: an entry with its hash. */
const point = { sequence: z.number(), hash: z.string() };

/** One page of the audit log. */
export const auditPage = z.object({
  items: z.array(
    z.object({
      sequence: z.number(),
      /** The entry as stored: one line of JSON. Its last member is the hash of what precedes it. */
      line: z.string(),
    }),
  ),
  next: z.string().nullable(),
  /** The entry before the first one that is kept; the number 0 if none was deleted. */
  anchor: z.object(point),
});
export type AuditPage = z.infer<typeof auditPage>;
