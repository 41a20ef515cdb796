import { z } from 'zod';

/** A whole number of at least 0. */
export const count = z.number().int().min(0);

/** The part of a query that selects a page. */
export const paging = z.object({
  /** `next` of the previous page. */
  cursor: z.string().optional(),
  /** Maximum number of items; 100 by default. */
  limit: count.optional(),
});
