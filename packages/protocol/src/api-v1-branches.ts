import { z } from 'zod';
import { LIMITS } from './limits.ts';
import { BRANCH_STATUSES, STATUSES } from './vocabulary.ts';

/**
 * The part of `/api/v1` that initiators of tcc, xa and workflow transactions use while these are prepared:
 *
 *     POST   /api/v1/transactions/:gid/branches   BranchRegistrationRequest → 204   (repeated alike: changes nothing)
 *     POST   /api/v1/transactions/:gid/submit     SubmitRequest, or no body → TransactionReply
 *     GET    /api/v1/transactions/:gid/progress   → WorkflowProgress
 *     POST   /api/v1/transactions/:gid/finish     WorkflowEnd → TransactionReply    (a workflow's own code ends it)
 *     POST   /api/v1/transactions/:gid/park       ParkRequest → TransactionReply    (a workflow's own code cannot go on without a person)
 */

const url = z.string().max(LIMITS.urlLength);
const branchId = z.string().min(1).max(64);
/** Bytes as base64. */
const bytes = z.base64();

export const branchRegistrationRequest = z.discriminatedUnion('pattern', [
  z.strictObject({
    pattern: z.literal('tcc'),
    branchId,
    /**
     * Absent: the registration is completed by a second one, with `confirm`, once the part of the
     * transaction that calls the try has succeeded. A submission before that aborts the
     * transaction.
     */
    confirm: url.optional(),
    cancel: url,
    /** JSON, sent to both. */
    payload: z.unknown().optional(),
  }),
  z.strictObject({
    pattern: z.literal('xa'),
    branchId,
    url: url.min(1),
    /**
     * Identifies what the action is called with: a registration with another one is refused, so
     * that a second run under the gid does not commit what the first run's action did.
     */
    digest: z.string().max(128).optional(),
  }),
  z.strictObject({
    pattern: z.literal('workflow'),
    branchId,
    /** `start`: the action is about to run. */
    op: z.enum(['start', 'action', 'commit', 'rollback']),
    status: z.enum(['succeed', 'failed']),
    /** What the step gave or why it failed: base64. */
    data: bytes.optional(),
  }),
]);
export type BranchRegistrationRequest = z.input<typeof branchRegistrationRequest>;

/** Without it, whatever is registered is confirmed or committed. */
export const submitRequest = z.strictObject({
  /**
   * Of a tcc or xa: the ids of all branches that the submitting run called. When another branch is
   * registered, other than a nested one of these (its id begins with theirs), or one of these is
   * not, then the transaction is aborted instead.
   */
  branches: z.array(branchId).max(LIMITS.registeredBranches).optional(),
});
export type SubmitRequest = z.input<typeof submitRequest>;

export const workflowProgress = z.object({
  gid: z.string(),
  status: z.enum(STATUSES),
  rollbackReason: z.string(),
  /** Why an operator force-stopped it; empty if none did. */
  stopped: z.string().default(''),
  /** What the workflow ended with: base64 of what `finish` was given; empty while it runs. */
  result: z.string(),
  steps: z.array(z.object({ branchId: z.string(), op: z.string(), status: z.enum(BRANCH_STATUSES), data: z.string() })),
});
export type WorkflowProgress = z.infer<typeof workflowProgress>;

export const workflowEnd = z.strictObject({
  status: z.enum(['succeed', 'failed']),
  /** Why it failed. */
  reason: z.string().max(1024).optional(),
  /** What it gave: base64. */
  result: bytes.optional(),
});
export type WorkflowEnd = z.input<typeof workflowEnd>;

export const parkRequest = z.strictObject({
  /** What is wrong, and what a person can do about it. */
  reason: z.string().min(1).max(1024),
});
export type ParkRequest = z.input<typeof parkRequest>;
