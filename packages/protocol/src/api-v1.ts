import { z } from 'zod';
import { heartbeatMs } from './api-v1-branches.ts';
import { LIMITS } from './limits.ts';
import { BRANCH_PROTOCOLS, BRANCH_STATUSES, PATTERNS, RESULTS, STATUSES } from './vocabulary.ts';

/** Requests and responses of `/api/v1`; `operations/` lists its operations. */

const text = (max: number) => z.string().max(max);
const url = text(LIMITS.urlLength);
const milliseconds = z
  .number()
  .int()
  .min(0)
  .max(365 * 24 * 3_600_000);

/** A payload: JSON, sent to the branch as its JSON text. */
const payload = z.unknown();

/** Instead of `payload`, for one that is not JSON, such as a gRPC message: bytes as base64. */
const payloadBytes = z.base64();

export const stepRequest = z.strictObject({
  action: url.min(1),
  compensate: url.optional(),
  payload: payload.optional(),
  payloadBytes: payloadBytes.optional(),
  /** Overrides the transaction's `requestTimeoutMs` for calls of this step. */
  requestTimeoutMs: milliseconds.optional(),
  /** Concurrent sagas: indices of the steps that must succeed before this one starts. */
  after: z.array(z.number().int().min(0)).optional(),
});

export const transactionRequest = z.strictObject({
  gid: text(LIMITS.gidLength).min(1).optional(),
  pattern: z.enum(PATTERNS),
  /**
   * `prepared` for the first phase of a two-phase message. Default: `submitted`; tcc, xa and
   * workflow always begin as `prepared`.
   */
  status: z.enum(['prepared', 'submitted']).optional(),
  /**
   * Saga and message: at least one. The branches of the other patterns are registered one by one.
   */
  steps: z.array(stepRequest).max(LIMITS.steps).default([]),
  /** Workflow: its name, and its input as JSON; `queryPrepared` is the URL of its callback. */
  workflow: z.strictObject({ name: text(LIMITS.gidLength).min(1), input: z.unknown().optional() }).optional(),
  protocol: z.enum(BRANCH_PROTOCOLS).optional(),
  queryPrepared: url.optional(),
  concurrent: z.boolean().optional(),
  timeoutToFailMs: milliseconds.optional(),
  retryIntervalMs: milliseconds.optional(),
  requestTimeoutMs: milliseconds.optional(),
  retryLimit: z.number().int().min(0).max(1_000_000).optional(),
  delayMs: milliseconds.optional(),
  branchHeaders: z.record(z.string(), z.string()).optional(),
});
export type TransactionRequest = z.input<typeof transactionRequest>;

const summaryShape = {
  namespace: z.string(),
  gid: z.string(),
  pattern: z.enum(PATTERNS),
  status: z.enum(STATUSES),
  rollbackReason: z.string(),
  attention: z.boolean(),
  /** Why the transaction is parked until an operator retries it; empty if it is not parked. */
  parked: z.string(),
  /**
   * Why an operator force-stopped the transaction; empty if not stopped. Its status is then
   * `failed`, although the stop compensated nothing: `remainingEffects` of the details lists the
   * effects that remain. Absent in responses of earlier versions.
   */
  stopped: z.string().default(''),
  createdAtMs: z.number(),
  updatedAtMs: z.number(),
  finishedAtMs: z.number().nullable(),
  /** Due time; null while the transaction is in progress, parked or finished. */
  dueAtMs: z.number().nullable(),
  owner: z.string().nullable(),
} as const;

export const transactionSummary = z.object(summaryShape);
export type TransactionSummary = z.infer<typeof transactionSummary>;

/**
 * The response to a submit; `lastResult` describes why an unfinished transaction is not finished.
 */
export const transactionReply = z.object({
  ...summaryShape,
  lastResult: z.object({ kind: z.enum(RESULTS), reason: z.string() }).nullable(),
  heartbeatMs,
});
export type TransactionReply = z.infer<typeof transactionReply>;

/** ID of the principal whose command caused a line; absent for an anonymous one or no command. */
const linePrincipal = z.string().optional();

export const timelineEntry = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('status'),
    atMs: z.number(),
    status: z.enum(STATUSES),
    reason: z.string(),
    by: linePrincipal,
  }),
  z.object({
    kind: z.literal('call'),
    atMs: z.number(),
    durationMs: z.number(),
    branchId: z.string(),
    op: z.string(),
    result: z.enum(RESULTS),
    reason: z.string(),
    attempt: z.number(),
    retryAtMs: z.number(),
    /**
     * Number of check-backs or callbacks in a row with the same result, of which this is the last;
     * absent: 1.
     */
    count: z.number().optional(),
    /** When the first of them received its response; absent if there is only one. */
    firstAtMs: z.number().optional(),
  }),
  z.object({
    kind: z.enum(['resumed', 'order', 'parked', 'alert']),
    atMs: z.number(),
    detail: z.string(),
    by: linePrincipal,
  }),
]);
export type TimelineLine = z.infer<typeof timelineEntry>;

export const branchDetails = z.object({
  branchId: z.string(),
  op: z.string(),
  url: z.string(),
  status: z.enum(BRANCH_STATUSES),
  started: z.boolean(),
  attempts: z.number(),
  nextAttemptAtMs: z.number(),
  finishedAtMs: z.number(),
});
export type BranchDetails = z.infer<typeof branchDetails>;

/** An effect that remains after a force-stop. */
export const remainingEffect = z.object({
  branchId: z.string(),
  /** The op that has the effect: `action`, `try`, `confirm` or `commit`. */
  op: z.string(),
  url: z.string(),
  /** False: the op may have run. */
  certain: z.boolean(),
});
export type RemainingEffect = z.infer<typeof remainingEffect>;

export const transactionDetails = z.object({
  ...summaryShape,
  version: z.number(),
  /** ID of the principal that created the transaction; absent for an anonymous caller. */
  createdBy: z.string().optional(),
  /** The W3C trace context in which the transaction was created; absent if its caller sent none. */
  trace: z.object({ traceparent: z.string(), tracestate: z.string().optional() }).optional(),
  result: z.string(),
  queryPrepared: z.string(),
  branches: z.array(branchDetails),
  /**
   * For a force-stopped transaction: the effects that its branches have or may have, and that were
   * not undone.
   */
  remainingEffects: z.array(remainingEffect).default([]),
  /**
   * Why the record could not be decoded when an operator force-stopped it: the effects of its
   * branches are unknown. Also set if the record of any other finished transaction cannot be
   * decoded. Otherwise empty.
   */
  damaged: z.string().default(''),
  timeline: z.array(timelineEntry),
  /** Number of entries omitted between the first and the last half to keep the timeline bounded. */
  timelineOmitted: z.number(),
});
export type TransactionDetails = z.infer<typeof transactionDetails>;

export const transactionPage = z.object({ items: z.array(transactionSummary), next: z.string().nullable() });
export type TransactionPage = z.infer<typeof transactionPage>;

export const topic = z.object({
  topic: z.string(),
  version: z.number(),
  subscribers: z.array(z.object({ url: z.string(), remark: z.string() })),
});
export const topicPage = z.object({ items: z.array(topic), next: z.string().nullable() });
export type TopicPage = z.infer<typeof topicPage>;

/**
 * Times are the store's. Optional fields are absent for nodes of earlier versions, during a rolling
 * restart.
 */
export const nodeList = z.object({
  /** When the list was read. */
  nowMs: z.number().optional(),
  items: z.array(
    z.object({
      session: z.string(),
      node: z.string(),
      version: z.string(),
      startedAtMs: z.number(),
      heartbeatAtMs: z.number(),
      /** Number of transactions that the session owns and drives. */
      owned: z.number().optional(),
    }),
  ),
});
export type NodeList = z.infer<typeof nodeList>;

/** RFC 9457. `code` is one of `ERROR_CODES`; `detail` states what happened and what to do. */
export const problemDetails = z.object({
  type: z.string(),
  title: z.string(),
  status: z.number(),
  detail: z.string(),
  code: z.string(),
  gid: z.string().optional(),
  field: z.string().optional(),
  /** With `field`: `detail` without the field's name, for clients that name fields differently. */
  fault: z.string().optional(),
  /** Status of the transaction, if it was the reason for rejecting a change. */
  transactionStatus: z.enum(STATUSES).optional(),
  /** Of `deadline_exceeded`: whether the change was started. */
  outcome: z.enum(['not_started', 'unknown']).optional(),
  /** When to repeat the request, in ms; more precise than `Retry-After`. */
  retryAfterMs: z.number().optional(),
});
export type ProblemDetails = z.infer<typeof problemDetails>;
