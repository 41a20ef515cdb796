import { z } from 'zod';
import { STATUSES } from './vocabulary.ts';

/**
 * The response of `GET /api/v1/status`: the node that received the request, and counts of its
 * store.
 */
export const nodeStatus = z.object({
  version: z.string(),
  /** Display name of the node. */
  node: z.string(),
  session: z.string(),
  uptimeMs: z.number(),
  store: z.object({ name: z.string(), durable: z.boolean(), exclusive: z.boolean() }),
  load: z.object({
    inProgress: z.number(),
    callsRunning: z.number(),
    writesQueued: z.number(),
    waiters: z.number(),
    /** Absent in responses of earlier versions. */
    watched: z.number().default(0),
    draining: z.boolean(),
    leaseHeld: z.boolean(),
  }),
  /** Transactions of the namespace by status, and how many need operator attention. */
  counts: z.object({ byStatus: z.record(z.enum(STATUSES), z.number()), attention: z.number() }),
});
export type NodeStatus = z.infer<typeof nodeStatus>;

/** Body of `POST /api/v1/transactions/:gid/abort`; optional. */
export const abortRequest = z.strictObject({
  /** Human-readable; becomes the rollback reason. */
  reason: z.string().max(1024).optional(),
  /**
   * `operator` (the default): an operator command, allowed also for a submitted saga; a workflow is
   * called back at once. `initiator`: the code that runs the transaction abandons it; a workflow is
   * not called back while that code still compensates.
   */
  by: z.enum(['operator', 'initiator']).optional(),
});
export type AbortRequest = z.input<typeof abortRequest>;

export const stopRequest = z.strictObject({
  /** Shown in the timeline, in lists and to callers that wait. */
  reason: z.string().max(1024).optional(),
});
export type StopRequest = z.input<typeof stopRequest>;

/** Body of `POST /api/v1/transactions/:gid/retry`; optional. */
export const retryRequest = z.strictObject({
  /** Recorded in the audit log. */
  reason: z.string().max(1024).optional(),
});
export type RetryRequest = z.input<typeof retryRequest>;

/** Body of `PUT /api/v1/topics/:topic/subscribers`. */
export const subscriberRequest = z.strictObject({ url: z.string(), remark: z.string().max(1024).optional() });
