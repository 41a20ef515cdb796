import type { FieldNames } from '@holdfast/protocol';

/** The names of fields on dtm's wire. Paths of dtm's own readers have these names already. */
export const DTM_NAMES: FieldNames = {
  'steps[].payload': 'payloads[]',
  'steps[].after': 'custom_data.orders',
  orders: 'custom_data.orders',
  delayMs: 'custom_data.delay',
  'workflow.name': 'custom_data.name',
  'workflow.input': 'custom_data.data',
  pattern: 'trans_type',
  branchId: 'branch_id',
  payload: 'data',
  category: 'cat',
  cursor: 'position',
  queryPrepared: 'query_prepared',
  branchHeaders: 'branch_headers',
  timeoutToFailMs: 'timeout_to_fail',
  requestTimeoutMs: 'request_timeout',
  retryIntervalMs: 'retry_interval',
  retryLimit: 'retry_limit',
  result: 'req_extra.result',
  reason: 'rollback_reason',
};
