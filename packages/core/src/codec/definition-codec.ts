import type { Definition, TransactionOptions } from '../model.ts';
import { decodeFrame, encodeFrame, splitBody } from './frame.ts';

const FORMAT = 1;

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
  const options = saidOptions(definition.options);
  const head: Head = {
    pattern,
    protocol,
    ...(steps.length > 0 && { steps }),
    ...(payloads.length > 0 && { payloadLengths: payloads.map((p) => p.length) }),
    ...(customData !== '' && { customData }),
    ...(queryPrepared !== '' && { queryPrepared }),
    ...(options !== undefined && { options }),
    ...(Object.keys(orders).length > 0 && { orders }),
    ...(workflowName !== '' && { workflowName }),
  };
  return encodeFrame(FORMAT, head, [...payloads, workflowData]);
}

/** Reads what `encodeDefinition` wrote. Throws `UnreadableRecord`. */
export function decodeDefinition(bytes: Uint8Array): Definition {
  const frame = decodeFrame(bytes, FORMAT, 'definition');
  const head = frame.head as Head;
  const lengths = head.payloadLengths ?? [];
  const payloads = splitBody(frame.body, lengths);
  return {
    pattern: head.pattern,
    protocol: head.protocol,
    steps: head.steps ?? [],
    payloads,
    customData: head.customData ?? '',
    queryPrepared: head.queryPrepared ?? '',
    options: { ...NO_OPTIONS, ...head.options },
    orders: head.orders ?? {},
    workflowName: head.workflowName ?? '',
    workflowData: frame.body.subarray(lengths.reduce((sum, n) => sum + n, 0)),
  };
}

function saidOptions(options: TransactionOptions): Partial<TransactionOptions> | undefined {
  const said = Object.entries(options).filter(([name, value]) =>
    name === 'branchHeaders'
      ? Object.keys(options.branchHeaders).length > 0
      : value !== NO_OPTIONS[name as keyof TransactionOptions],
  );
  return said.length === 0 ? undefined : Object.fromEntries(said);
}
