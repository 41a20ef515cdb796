import { z } from 'zod';

/**
 * Requests on dtm's wire, over REST and JSON-RPC. Parsing is tolerant, as its clients require:
 * `null` means absent, unknown fields are ignored, the last of repeated keys counts (as in
 * `JSON.parse`). The meaning of a transaction is checked later, not here.
 *
 * Durations on dtm's wire are whole seconds.
 */

const text = z.string().nullish();
const flag = z.boolean().nullish();
const count = z.number().int().min(0).nullish();
const seconds = count;
/** A map of texts; null counts as an empty text. */
const textMap = z.record(z.string(), z.string().nullable());

/** Old clients put the payload into the step, as `data`. */
const step = z.object({ action: text, compensate: text, data: text }).nullable();

/** Body of `prepare`, `submit` and `prepareWorkflow`. */
export const dtmTransaction = z.object({
  gid: text,
  trans_type: text,
  steps: z.array(step).nullish(),
  payloads: z.array(z.string().nullable()).nullish(),
  custom_data: text,
  query_prepared: text,
  protocol: text,
  rollback_reason: text,
  req_extra: textMap.nullish(),
  wait_result: flag,
  timeout_to_fail: seconds,
  retry_interval: seconds,
  request_timeout: seconds,
  branch_headers: textMap.nullish(),
  concurrent: flag,
  retry_limit: count,
});
export type DtmTransaction = z.infer<typeof dtmTransaction>;

/** Body of `abort`, `forceStop` and `resetNextCronTime`. */
export const dtmCommand = z.object({ gid: text, trans_type: text, rollback_reason: text, wait_result: flag });
export type DtmCommand = z.infer<typeof dtmCommand>;

/** Body of `registerBranch`: texts only. */
export const dtmBranch = textMap;
export type DtmBranch = z.infer<typeof dtmBranch>;

/** `custom_data` of a saga: step index → indices of the steps that must succeed before it. */
export const dtmSagaData = z.object({
  orders: z.record(z.string(), z.array(z.number().int()).nullable()).nullish(),
  concurrent: flag,
});

/** `custom_data` of a message. */
export const dtmMessageData = z.object({ delay: seconds });

/** `custom_data` of a workflow; `data` is base64. */
export const dtmWorkflowData = z.object({ name: text, data: text });

/** Error codes of JSON-RPC; those below -32900 are defined by dtm. */
export const JSON_RPC_CODES = {
  unparsable: -32_700,
  badRequest: -32_600,
  unknownMethod: -32_601,
  failed: -32_603,
  failure: -32_901,
  ongoing: -32_902,
} as const;
