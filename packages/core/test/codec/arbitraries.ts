import { BRANCH_PROTOCOLS, BRANCH_STATUSES, PATTERNS, RESULTS, STATUSES } from '@holdfast/protocol';
import fc from 'fast-check';
import type {
  AbortCommand,
  BranchState,
  Definition,
  RegisteredBranch,
  State,
  TimelineEntry,
} from '../../src/patterns/index.ts';

/** Any text that a string can hold: empty, long, emoji, controls, halves of surrogate pairs. */
export const text = fc.string({ unit: 'binary', maxLength: 40 });
const bytes = fc.uint8Array({ maxLength: 200 });
const count = fc.nat(1_000_000);

const orders = fc.dictionary(
  fc.nat(9).map((step) => `${step}`),
  fc.array(fc.nat(9), { maxLength: 4 }),
  { noNullPrototype: true },
);

const step = fc.record(
  { action: text, compensate: text, subscribers: fc.array(text, { maxLength: 3 }), requestTimeoutMs: count },
  { requiredKeys: ['action', 'compensate'], noNullPrototype: true },
);

const STORED_ALWAYS: (keyof Definition)[] = [
  'pattern',
  'protocol',
  'steps',
  'payloads',
  'customData',
  'queryPrepared',
  'options',
  'orders',
  'workflowName',
  'workflowData',
];

export const definition: fc.Arbitrary<Definition> = fc.record(
  {
    pattern: fc.constantFrom(...PATTERNS),
    protocol: fc.constantFrom(...BRANCH_PROTOCOLS),
    steps: fc.array(step, { maxLength: 4 }),
    payloads: fc.array(bytes, { maxLength: 4 }),
    customData: text,
    queryPrepared: text,
    options: fc.record(
      {
        waitResult: fc.boolean(),
        timeoutToFailMs: count,
        retryIntervalMs: count,
        requestTimeoutMs: count,
        retryLimit: count,
        branchHeaders: fc.dictionary(fc.constantFrom('a', 'b', 'x-ü'), text, { noNullPrototype: true }),
        concurrent: fc.boolean(),
        alwaysPost: fc.boolean(),
        delayMs: count,
      },
      { noNullPrototype: true },
    ),
    orders,
    workflowName: text,
    workflowData: bytes,
    createdBy: text,
    startedAtMs: count,
    trace: fc.record({ traceparent: text, tracestate: text }, { requiredKeys: ['traceparent'], noNullPrototype: true }),
  },
  { requiredKeys: STORED_ALWAYS, noNullPrototype: true },
);

/** An abort command, of an anonymous principal or another one. */
export const abort: fc.Arbitrary<AbortCommand> = fc.record(
  { reason: text, by: text },
  { requiredKeys: ['reason'], noNullPrototype: true },
);

export const registration: fc.Arbitrary<RegisteredBranch> = fc.record(
  {
    branchId: text,
    op: text,
    url: text,
    payload: bytes,
    status: fc.constantFrom(...BRANCH_STATUSES),
    digest: text,
    createdAtMs: count,
  },
  { requiredKeys: ['branchId', 'op', 'url', 'payload', 'status', 'createdAtMs'], noNullPrototype: true },
);

const STARTED_AT_MS = 1_700_000_000_000;
/** A moment of the transaction's life. */
const atMs = count.map((ms) => STARTED_AT_MS + ms);
const atMsOrNever = fc.oneof(fc.constant(0), atMs);

const calledBranch: fc.Arbitrary<BranchState> = fc.record(
  {
    status: fc.constantFrom(...BRANCH_STATUSES),
    started: fc.constant(true),
    attempts: count,
    failures: count,
    nextAttemptAtMs: atMsOrNever,
    finishedAtMs: atMsOrNever,
  },
  { noNullPrototype: true },
);

const notStarted: BranchState = {
  status: 'prepared',
  started: false,
  attempts: 0,
  failures: 0,
  nextAttemptAtMs: 0,
  finishedAtMs: 0,
};

const line: fc.Arbitrary<TimelineEntry> = fc.oneof(
  fc.record(
    { kind: fc.constant('status' as const), atMs, status: fc.constantFrom(...STATUSES), reason: text, by: text },
    { requiredKeys: ['kind', 'atMs', 'status', 'reason'], noNullPrototype: true },
  ),
  fc.record(
    {
      kind: fc.constant('call' as const),
      atMs,
      durationMs: count,
      branchId: text,
      op: text,
      result: fc.constantFrom(...RESULTS),
      reason: text,
      attempt: count,
      retryAtMs: atMsOrNever,
    },
    { noNullPrototype: true },
  ),
  fc.record(
    {
      kind: fc.constant('call' as const),
      atMs,
      durationMs: count,
      branchId: text,
      op: text,
      result: fc.constantFrom(...RESULTS),
      reason: text,
      attempt: count,
      retryAtMs: atMsOrNever,
      count,
      firstAtMs: atMs,
    },
    { noNullPrototype: true },
  ),
  fc.record(
    {
      kind: fc.constantFrom('resumed' as const, 'order' as const, 'parked' as const, 'alert' as const),
      atMs,
      detail: text,
      by: text,
    },
    { requiredKeys: ['kind', 'atMs', 'detail'], noNullPrototype: true },
  ),
);

const anyState: fc.Arbitrary<State> = fc.record(
  {
    status: fc.constantFrom(...STATUSES),
    rollbackReason: text,
    result: text,
    branches: fc.array(fc.oneof(calledBranch, fc.constant(notStarted)), { maxLength: 5 }),
    unbroken: fc.boolean(),
    suspicion: fc.nat({ max: 10 }),
    alertDue: fc.boolean(),
    compensate: fc.array(count, { maxLength: 4 }),
    retries: count,
    limitedRetries: count,
    notBeforeMs: atMsOrNever,
    nextCheckAtMs: atMsOrNever,
    checkFailures: count,
    heartbeatAtMs: atMsOrNever,
    attention: fc.boolean(),
    parked: text,
    stopped: text,
    damaged: text,
    submittedAtMs: atMsOrNever,
    rollbackAtMs: atMsOrNever,
    finishedAtMs: atMsOrNever,
    timeline: fc.array(line, { maxLength: 5 }),
    timelineOmitted: count,
  },
  { noNullPrototype: true },
);

/** A state whose timeline begins before everything else in it, as every real one does. */
export const state: fc.Arbitrary<State> = anyState.map((some) => ({
  ...some,
  timeline: [{ kind: 'status', atMs: STARTED_AT_MS, status: 'prepared', reason: '' }, ...some.timeline],
}));
