import { PATTERNS } from '@holdfast/protocol';
import type { Definition, TransactionOptions } from '../model.ts';
import { decodeFrame, encodeFrame, type Frame, listOf, oneOf, splitBody } from './frame.ts';

const FORMAT = 1;
const WHAT = 'definition';

/** What is not said is left out of the record. */
export const NO_OPTIONS: TransactionOptions = {
  waitResult: false,
  timeoutToFailMs: 0,
  retryIntervalMs: 0,
  requestTimeoutMs: 0,
  retryLimit: 0,
  branchHeaders: {},
  concurrent: false,
  delayMs: 0,
};

type Head = Pick<Definition, 'pattern' | 'protocol'> &
  Partial<Omit<Definition, 'payloads' | 'workflowData' | 'options'>> & {
    readonly options?: Partial<TransactionOptions>;
    readonly payloadLengths?: readonly number[];
  };

/** A definition as stored. */
export function encodeDefinition(definition: Definition): Uint8Array {
  const { pattern, protocol, steps, payloads, customData, queryPrepared, orders, workflowName, workflowData } =
    definition;
  const head: { -readonly [K in keyof Head]: Head[K] } = { pattern, protocol };
  if (steps.length > 0) head.steps = steps;
  if (payloads.length > 0) head.payloadLengths = payloads.map((payload) => payload.length);
  if (customData !== '') head.customData = customData;
  if (queryPrepared !== '') head.queryPrepared = queryPrepared;
  const options = saidOptions(definition.options);
  if (options !== undefined) head.options = options;
  for (const _ in orders) {
    head.orders = orders;
    break;
  }
  if (workflowName !== '') head.workflowName = workflowName;
  return encodeFrame(FORMAT, head, workflowData.length === 0 ? payloads : [...payloads, workflowData]);
}

/** Reads what `encodeDefinition` wrote. Throws `UnreadableRecord`. */
export const decodeDefinition = (bytes: Uint8Array): Definition => decodeFrame(bytes, FORMAT, WHAT, read);

function read(frame: Frame): Definition {
  const head = frame.head as Head;
  const [payloads, workflowData] = splitBody(frame.body, head.payloadLengths ?? [], WHAT);
  return {
    pattern: oneOf(PATTERNS, head.pattern, WHAT),
    protocol: head.protocol,
    steps: listOf(head.steps ?? [], WHAT),
    payloads,
    customData: head.customData ?? '',
    queryPrepared: head.queryPrepared ?? '',
    options: { ...NO_OPTIONS, ...head.options },
    orders: head.orders ?? {},
    workflowName: head.workflowName ?? '',
    workflowData,
  };
}

function saidOptions(options: TransactionOptions): Partial<TransactionOptions> | undefined {
  let said: Record<string, unknown> | undefined;
  for (const name in NO_OPTIONS) {
    const value = options[name as keyof TransactionOptions];
    if (value === NO_OPTIONS[name as keyof TransactionOptions]) continue;
    (said ??= {})[name] = value;
  }
  return said;
}
