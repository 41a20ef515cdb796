import type { FieldNames, OperationName, Pattern, StreamName } from '@holdfast/protocol';

/** The field has the same name in the SDK. */
const SAME = 'same';
/** The SDK sets the field, or never sends it: the application has no name for it. */
const OWN = 'own';

/**
 * Fields of a request, as paths with `[]` for an index, and their names in the SDK: an option, a
 * parameter or a method.
 */
export type SdkFields = Readonly<Record<string, string>>;

/** Fields of one operation: `any`, or by the pattern in the request's body. */
type FieldsByPattern = { readonly [Key in Pattern | 'any']?: SdkFields };

/** Fields that the SDK sets, or that its methods of a pattern never send. */
const UNUSED = {
  pattern: OWN,
  status: OWN,
  protocol: OWN,
  steps: OWN,
  'steps[].action': OWN,
  'steps[].compensate': OWN,
  'steps[].payload': OWN,
  'steps[].payloadBytes': OWN,
  'steps[].requestTimeoutMs': OWN,
  'steps[].after': OWN,
  workflow: OWN,
  'workflow.name': OWN,
  'workflow.input': OWN,
  queryPrepared: OWN,
  concurrent: OWN,
  timeoutToFailMs: OWN,
  retryLimit: OWN,
  delayMs: OWN,
} as const;

/** What every transaction has. */
const TRANSACTION = {
  ...UNUSED,
  gid: SAME,
  retryIntervalMs: SAME,
  requestTimeoutMs: SAME,
  branchHeaders: SAME,
} as const;

const STEPS = {
  steps: SAME,
  'steps[].payload': SAME,
  'steps[].payloadBytes': 'steps[].payload',
  'steps[].requestTimeoutMs': SAME,
} as const;

/** All operations that the SDK calls, with all fields of their requests. */
export const SDK_FIELDS = {
  createTransaction: {
    saga: {
      ...TRANSACTION,
      ...STEPS,
      'steps[].action': SAME,
      'steps[].compensate': SAME,
      'steps[].after': SAME,
      concurrent: 'concurrent()',
      timeoutToFailMs: SAME,
      retryLimit: SAME,
    },
    msg: {
      ...TRANSACTION,
      ...STEPS,
      'steps[].action': 'steps[].branch',
      queryPrepared: 'checkBackUrl',
      delayMs: 'delay()',
      timeoutToFailMs: SAME,
    },
    tcc: { ...TRANSACTION, timeoutToFailMs: SAME },
    xa: { ...TRANSACTION, timeoutToFailMs: SAME },
    workflow: {
      ...TRANSACTION,
      'workflow.name': 'name',
      'workflow.input': 'input',
      queryPrepared: 'callbackUrl',
    },
  },
  registerBranch: {
    tcc: {
      gid: OWN,
      pattern: OWN,
      branchId: OWN,
      confirm: SAME,
      cancel: SAME,
      payload: SAME,
      payloadBytes: 'payload',
      digest: OWN,
    },
    xa: { gid: OWN, pattern: OWN, branchId: OWN, url: SAME, digest: OWN },
    workflow: { gid: OWN, pattern: OWN, branchId: 'name', op: OWN, status: OWN, data: 'result' },
  },
  listTransactions: {
    any: {
      gid: SAME,
      status: SAME,
      pattern: SAME,
      attention: SAME,
      createdFromMs: SAME,
      createdToMs: SAME,
      cursor: SAME,
      limit: SAME,
    },
  },
  getTransaction: { any: { gid: SAME } },
  submitTransaction: { any: { gid: OWN, branches: OWN, run: OWN } },
  getWorkflowProgress: { any: { gid: OWN } },
  finishWorkflow: { any: { gid: OWN, status: OWN, reason: OWN, result: SAME } },
  parkWorkflow: { any: { gid: OWN, reason: OWN } },
  sendHeartbeat: { any: { gid: OWN } },
  abortTransaction: { any: { gid: SAME, reason: SAME, by: OWN } },
  retryTransaction: { any: { gid: SAME, reason: OWN } },
  listTopics: { any: { cursor: SAME, limit: SAME } },
  subscribe: { any: { topic: SAME, url: 'branch', remark: SAME } },
  unsubscribe: { any: { topic: SAME, url: 'branch' } },
  deleteTopic: { any: { topic: SAME } },
} as const satisfies { readonly [Name in OperationName]?: FieldsByPattern };

/** As `SDK_FIELDS`, for the streams. The SDK watches one transaction at a time. */
export const SDK_STREAM_FIELDS = {
  watch: { transactions: OWN, 'transactions[].gid': 'gid', 'transactions[].afterVersion': 'afterVersion' },
} as const satisfies Readonly<Record<StreamName, SdkFields>>;

/** The names that differ. */
const renamed = (fields: SdkFields): FieldNames =>
  Object.fromEntries(Object.entries(fields).filter(([, name]) => name !== SAME && name !== OWN));

const NAMES: ReadonlyMap<string, FieldNames> = new Map(
  Object.entries<FieldsByPattern>(SDK_FIELDS).flatMap(([operation, byPattern]) =>
    Object.entries(byPattern).map(([pattern, fields]) => [`${operation} ${pattern}`, renamed(fields)] as const),
  ),
);
const STREAM_NAMES: ReadonlyMap<string, FieldNames> = new Map(
  Object.entries<SdkFields>(SDK_STREAM_FIELDS).map(([stream, fields]) => [stream, renamed(fields)]),
);
const NO_NAMES: FieldNames = {};

/** The names that the application knows for the fields of a call's request. */
export function sdkNamesOf(operation: OperationName | StreamName, input: object): FieldNames {
  const ofStream = STREAM_NAMES.get(operation);
  if (ofStream !== undefined) return ofStream;
  const { pattern } = ('body' in input ? (input.body ?? {}) : {}) as { readonly pattern?: unknown };
  return NAMES.get(`${operation} ${String(pattern)}`) ?? NAMES.get(`${operation} any`) ?? NO_NAMES;
}
