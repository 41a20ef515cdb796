import { BRANCH_PROTOCOLS, type Pattern, PATTERNS, type TraceContext } from '@holdfast/protocol';
import type { Definition, Step, TransactionOptions } from '../patterns/model.ts';
import { decodeFrame, type Frame, listOf, numberOf, oneOf, splitBody, textOf, UnreadableRecord } from './frame.ts';
import { FrameWriter, piece, quotedPieces } from './frame-writer.ts';

const FORMAT = 1;
const WHAT = 'definition';

/** Options at their default are left out of the record. */
export const NO_OPTIONS: TransactionOptions = {
  waitResult: false,
  timeoutToFailMs: 0,
  retryIntervalMs: 0,
  requestTimeoutMs: 0,
  retryLimit: 0,
  branchHeaders: {},
  concurrent: false,
  alwaysPost: false,
  delayMs: 0,
};

/** A definition with only a pattern. */
export const emptyDefinition = (pattern: Pattern): Definition => ({
  pattern,
  protocol: 'http',
  steps: [],
  payloads: [],
  customData: '',
  queryPrepared: '',
  options: NO_OPTIONS,
  orders: {},
  workflowName: '',
  workflowData: new Uint8Array(0),
});

type Head = Pick<Definition, 'pattern' | 'protocol'> &
  Partial<Omit<Definition, 'payloads' | 'workflowData' | 'options' | 'trace'>> &
  Partial<TraceContext> & {
    readonly options?: Partial<TransactionOptions>;
    readonly payloadLengths?: readonly number[];
  };

/** Encodes a definition for storage. The JSON is written by hand, as for a state. */
export function encodeDefinition(definition: Definition): Uint8Array {
  const { pattern, protocol, steps, payloads, customData, queryPrepared, orders, workflowName, workflowData } =
    definition;
  const head = frames.begin(FORMAT).json(PATTERN_KEY).json(PATTERN_PIECES[pattern]);
  head.json(PROTOCOL_KEY).json(PROTOCOL_PIECES[protocol]);
  if (steps.length > 0) {
    steps.forEach((step, i) => writeStep(head.json(i === 0 ? STEPS_KEY : COMMA), step));
    head.json(LIST_END);
  }
  if (payloads.length > 0) {
    payloads.forEach((payload, i) => head.json(i === 0 ? LENGTHS_KEY : COMMA).number(payload.length));
    head.json(LIST_END);
  }
  if (customData !== '') head.rare(',"customData":').quoted(customData);
  if (queryPrepared !== '') head.rare(',"queryPrepared":').quoted(queryPrepared);
  writeOptions(head, definition.options);
  for (const _ in orders) {
    head.rare(',"orders":').value(orders);
    break;
  }
  if (workflowName !== '') head.rare(',"workflowName":').quoted(workflowName);
  const { createdBy, trace, startedAtMs } = definition;
  if (createdBy !== undefined) head.json(CREATED_BY_KEY).quoted(createdBy);
  if (trace !== undefined) head.json(TRACE_PARENT_KEY).quoted(trace.traceparent);
  if (trace?.tracestate !== undefined) head.rare(',"tracestate":').quoted(trace.tracestate);
  if (startedAtMs !== undefined) head.rare(',"startedAtMs":').number(startedAtMs);
  return head.json(END).end(workflowData.length === 0 ? payloads : [...payloads, workflowData]);
}

const frames = new FrameWriter();
const PATTERN_KEY = piece('{"pattern":');
const PROTOCOL_KEY = piece(',"protocol":');
const STEPS_KEY = piece(',"steps":[');
const LENGTHS_KEY = piece(',"payloadLengths":[');
const CREATED_BY_KEY = piece(',"createdBy":');
const TRACE_PARENT_KEY = piece(',"traceparent":');
const OPTIONS_KEY = piece(',"options":{');
const TRUE = piece('true');
const ACTION_KEY = piece('{"action":');
const COMPENSATE_KEY = piece(',"compensate":');
const COMMA = piece(',');
const LIST_END = piece(']');
const END = piece('}');
const PATTERN_PIECES = quotedPieces(PATTERNS);
const PROTOCOL_PIECES = quotedPieces(BRANCH_PROTOCOLS);

/** The name of each option with the piece that precedes its value. */
const OPTION_KEYS = Object.keys(NO_OPTIONS).map(
  (name) => [name as keyof TransactionOptions, piece(`${JSON.stringify(name)}:`)] as const,
);

/** Writes the options that differ from their defaults. */
function writeOptions(to: FrameWriter, options: TransactionOptions): void {
  let isFirst = true;
  for (const [name, key] of OPTION_KEYS) {
    const value = options[name];
    if (value === undefined || value === NO_OPTIONS[name]) continue;
    to.json(isFirst ? OPTIONS_KEY : COMMA).json(key);
    isFirst = false;
    if (value === true) to.json(TRUE);
    else to.value(value);
  }
  if (!isFirst) to.json(END);
}

function writeStep(to: FrameWriter, step: Step): void {
  const { action, compensate, subscribers, requestTimeoutMs } = step;
  if (subscribers !== undefined || requestTimeoutMs !== undefined) return void to.value(step);
  to.json(ACTION_KEY).quoted(action).json(COMPENSATE_KEY).quoted(compensate).json(END);
}

/** Decodes the output of `encodeDefinition`. Throws `UnreadableRecord`. */
export const decodeDefinition = (bytes: Uint8Array): Definition => decodeFrame(bytes, FORMAT, WHAT, read);

function read(frame: Frame): Definition {
  const head = frame.head as Head;
  const lengths = listOf(head.payloadLengths ?? [], WHAT).map((length) => atLeastZero(length));
  const [payloads, workflowData] = splitBody(frame.body, lengths, WHAT);
  const definition: Definition = {
    pattern: oneOf(PATTERNS, head.pattern, WHAT),
    protocol: protocolOf(head.protocol),
    steps: listOf(head.steps ?? [], WHAT).map(stepOf),
    payloads,
    customData: textOf(head.customData, '', WHAT),
    queryPrepared: textOf(head.queryPrepared, '', WHAT),
    options: optionsOf(head.options),
    orders: ordersOf(head.orders ?? {}),
    workflowName: textOf(head.workflowName, '', WHAT),
    workflowData,
  };
  const { createdBy, traceparent, startedAtMs } = head;
  if (createdBy === undefined && traceparent === undefined && startedAtMs === undefined) return definition;
  return {
    ...definition,
    ...(createdBy !== undefined && { createdBy: textOf(createdBy, undefined, WHAT) }),
    ...(traceparent !== undefined && { trace: traceOf(traceparent, head.tracestate) }),
    ...(startedAtMs !== undefined && { startedAtMs: numberOf(startedAtMs, 0, WHAT) }),
  };
}

function traceOf(traceparent: string, tracestate: string | undefined): TraceContext {
  const parent = { traceparent: textOf(traceparent, undefined, WHAT) };
  return tracestate === undefined ? parent : { ...parent, tracestate: textOf(tracestate, undefined, WHAT) };
}

/** An unknown protocol is probably one of a later version. */
function protocolOf(protocol: Definition['protocol']): Definition['protocol'] {
  if (BRANCH_PROTOCOLS.includes(protocol)) return protocol;
  const fault = `the protocol ${JSON.stringify(protocol)} is unknown to this version`;
  throw new UnreadableRecord(`${WHAT}: ${fault}; a newer Holdfast wrote it`, typeof protocol === 'string');
}

function stepOf(step: Step): Step {
  const { action, compensate, subscribers, requestTimeoutMs } = step;
  for (const url of [action, compensate, ...listOf(subscribers ?? [], WHAT)])
    if (typeof url !== 'string') throw new UnreadableRecord(`${WHAT}: ${String(url)} is not a URL of a step`);
  numberOf(requestTimeoutMs, 0, WHAT);
  return step;
}

function ordersOf(orders: Definition['orders']): Definition['orders'] {
  for (const step in orders) for (const earlier of listOf(orders[step] ?? [], WHAT)) atLeastZero(earlier);
  return orders;
}

/** Checks that each present option has the type of its default. */
function optionsOf(specified: Partial<TransactionOptions> | undefined): TransactionOptions {
  const options = { ...NO_OPTIONS, ...specified };
  for (const name in NO_OPTIONS) {
    const key = name as keyof TransactionOptions;
    const value: unknown = options[key];
    if (typeof value !== typeof NO_OPTIONS[key] || value === null)
      throw new UnreadableRecord(`${WHAT}: ${String(value)} is not a value of the option ${name}`);
  }
  return options;
}

function atLeastZero(value: number): number {
  if (Number.isInteger(value) && value >= 0) return value;
  throw new UnreadableRecord(`${WHAT}: ${String(value)} is not a whole number of at least 0`);
}
