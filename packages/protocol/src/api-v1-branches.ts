import { z } from 'zod';
import { LIMITS } from './limits.ts';
import { BRANCH_STATUSES, STATUSES } from './vocabulary.ts';

/**
 * Requests and responses of `/api/v1` for initiators of tcc, xa and workflow transactions, while
 * these are prepared; `operations/initiators.ts` lists the operations.
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
    /** Instead of `payload`: bytes as base64. */
    payloadBytes: bytes.optional(),
    /**
     * For a nested branch: `nestedDigest`. A registration with another one is rejected, so that two
     * parts of a transaction, or two runs of it, never share a nested branch.
     */
    digest: z.string().max(128).optional(),
  }),
  z.strictObject({
    pattern: z.literal('xa'),
    branchId,
    url: url.min(1),
    /**
     * Identifies the input of the action. A registration with a different digest is rejected, so
     * that a second run under the gid does not commit the effects of the first run's action.
     */
    digest: z.string().max(128).optional(),
  }),
  z.strictObject({
    pattern: z.literal('workflow'),
    branchId,
    /** `start`: the action is about to run. */
    op: z.enum(['start', 'action', 'commit', 'rollback']),
    status: z.enum(['succeed', 'failed']),
    /** The step's result, or why it failed: base64. */
    data: bytes.optional(),
  }),
]);
export type BranchRegistrationRequest = z.input<typeof branchRegistrationRequest>;

/** Without a body, all registered branches are confirmed or committed. */
export const submitRequest = z.strictObject({
  /**
   * For a tcc or xa: the IDs of all branches that the submitting run called. The transaction is
   * aborted instead if another branch is registered, other than a nested one of these (its ID
   * begins with theirs), or if one of these is not.
   */
  branches: z.array(branchId).max(LIMITS.registeredBranches).optional(),
  /**
   * Of a tcc, with `branches`: the submitting run. When a nested branch was registered within
   * another run, the transaction is aborted instead.
   */
  run: z
    .string()
    .regex(/^[\w-]{1,40}$/)
    .optional(),
});
export type SubmitRequest = z.input<typeof submitRequest>;

/**
 * Of a workflow: how often its run sends a heartbeat while no step is recorded, in ms. Absent: the
 * coordinator accepts none.
 */
export const heartbeatMs = z.number().positive().optional();

export const workflowProgress = z.object({
  gid: z.string(),
  status: z.enum(STATUSES),
  rollbackReason: z.string(),
  /** Why an operator force-stopped the workflow; empty if not stopped. */
  stopped: z.string().default(''),
  /** The workflow's result: base64, as given to `finish`; empty until then. */
  result: z.string(),
  steps: z.array(z.object({ branchId: z.string(), op: z.string(), status: z.enum(BRANCH_STATUSES), data: z.string() })),
  heartbeatMs,
});
export type WorkflowProgress = z.infer<typeof workflowProgress>;

export const workflowEnd = z.strictObject({
  status: z.enum(['succeed', 'failed']),
  /** Why the workflow failed. */
  reason: z.string().max(1024).optional(),
  /** The workflow's result: base64. */
  result: bytes.optional(),
});
export type WorkflowEnd = z.input<typeof workflowEnd>;

export const parkRequest = z.strictObject({
  /** The problem, and what an operator can do about it. */
  reason: z.string().min(1).max(1024),
});
export type ParkRequest = z.input<typeof parkRequest>;

/**
 * Query parameter of a try that names the run of the tcc that called it. Participants of this SDK
 * pass it on with nested branches; others ignore it.
 */
export const RUN_PARAMETER = 'holdfast_run';

const RUN_OF_DIGEST = /^run:([\w-]*):/;

/**
 * The digest of a nested branch.
 *
 * @param run the run that the try belongs to; empty: not known
 * @param part identifies the handler that calls the nested branch
 */
export const nestedDigest = (run: string, part: string): string => `run:${run}:${part}`;

/** The run within which a nested branch was registered; undefined: the digest names none. */
export const runOfDigest = (digest: string | undefined): string | undefined =>
  (digest === undefined ? undefined : RUN_OF_DIGEST.exec(digest)?.[1]) || undefined;
