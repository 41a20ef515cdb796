import type { FieldPath } from '@holdfast/protocol';
import type { Definition, State, TransactionOptions } from '../patterns/model.ts';
import { samePayload } from './same-payload.ts';

/**
 * One gid is one definition. A repeated submission is compared with the stored definition, so that
 * the first submission computes and stores nothing extra, and records of the previous version are
 * compared in the same way.
 *
 * ID1  Compared is what determines execution: pattern (by the Runner), protocol, steps, payloads,
 *      dependencies, check-back URL, the name and input of a workflow, and the options that can
 *      change the result. Intervals, request timeouts, `wait_result`, and headers for tracing and
 *      credentials are not compared.
 * ID2  A topic is compared by its name: its subscribers may have changed since.
 * ID3  The submit of a prepared transaction need not repeat its definition. The options and the
 *      delay belong to that call and are not compared.
 * ID4  A workflow is compared by its name and its input: every process that resumes it prepares it
 *      again, with its own check-back URL.
 */
export interface Difference {
  readonly field: FieldPath;
  /** The part of the definition that differs, as it appears in a message. */
  readonly part: string;
}

/**
 * Returns how a repeated submission differs from the transaction with its gid; undefined if it does
 * not.
 */
export function differenceOf(
  stored: Definition,
  { timeline }: State,
  given: Definition,
  kind: 'prepared' | 'submitted',
): Difference | undefined {
  if (stored.pattern === 'workflow') return differentWorkflow(stored, given);
  const first = timeline[0];
  const wasPrepared = first?.kind === 'status' && first.status === 'prepared';
  if (kind === 'submitted' && wasPrepared) {
    if (given.steps.length === 0) return differentQuery(stored, given);
    return differentSteps(stored, given) ?? differentQuery(stored, given);
  }
  return (
    differentSteps(stored, given) ??
    (stored.queryPrepared === given.queryPrepared ? undefined : QUERY_PREPARED) ??
    differentDependencies(stored, given) ??
    differentOptions(stored.options, given.options)
  );
}

const QUERY_PREPARED: Difference = { field: ['queryPrepared'], part: 'the check-back URL' };

/** A submit without a check-back URL keeps the prepared one. */
const differentQuery = (stored: Definition, given: Definition): Difference | undefined =>
  given.queryPrepared === '' || given.queryPrepared === stored.queryPrepared ? undefined : QUERY_PREPARED;

function differentWorkflow(stored: Definition, given: Definition): Difference | undefined {
  if (stored.workflowName !== given.workflowName)
    return {
      field: ['workflow', 'name'],
      part: `the name (the transaction is a workflow named ${stored.workflowName})`,
    };
  return samePayload(stored.workflowData, given.workflowData)
    ? undefined
    : { field: ['workflow', 'input'], part: 'the input' };
}

function differentSteps(stored: Definition, given: Definition): Difference | undefined {
  if (stored.protocol !== given.protocol) return { field: ['protocol'], part: 'the protocol' };
  if (stored.steps.length !== given.steps.length)
    return {
      field: ['steps'],
      part: `the number of steps (${stored.steps.length} stored, ${given.steps.length} submitted)`,
    };
  for (const [index, step] of stored.steps.entries()) {
    const other = given.steps[index];
    const name = `step ${index + 1}`;
    if (step.action !== other?.action) return { field: ['steps', index, 'action'], part: `the action of ${name}` };
    if (step.compensate !== other.compensate)
      return { field: ['steps', index, 'compensate'], part: `the compensation of ${name}` };
    if (!samePayload(stored.payloads[index] ?? NO_BYTES, given.payloads[index] ?? NO_BYTES))
      return { field: ['steps', index, 'payload'], part: `the payload of ${name}` };
  }
  return undefined;
}

const NO_BYTES = new Uint8Array(0);

/** An empty list of dependencies equals an absent one. */
function differentDependencies(
  { orders: stored, steps }: Definition,
  { orders: given }: Definition,
): Difference | undefined {
  const index = steps.findIndex((_, at) => !sameSet(stored[at] ?? NO_STEPS, given[at] ?? NO_STEPS));
  return index < 0 ? undefined : { field: ['steps', index, 'after'], part: `the dependencies of step ${index + 1}` };
}

const NO_STEPS: readonly number[] = [];

function sameSet(a: readonly number[], b: readonly number[]): boolean {
  const [inA, inB] = [new Set(a), new Set(b)];
  return inA.size === inB.size && a.every((one) => inB.has(one));
}

/** Options that can change the result. */
const DECISIVE: readonly (readonly [keyof TransactionOptions, part: string])[] = [
  ['concurrent', 'whether the steps run concurrently'],
  ['timeoutToFailMs', 'the timeout to fail'],
  ['retryLimit', 'the retry limit'],
  ['delayMs', 'the delay'],
];

function differentOptions(stored: TransactionOptions, given: TransactionOptions): Difference | undefined {
  for (const [name, part] of DECISIVE) if (stored[name] !== given[name]) return { field: [name], part };
  return headersText(stored) === headersText(given)
    ? undefined
    : { field: ['branchHeaders'], part: 'the headers for branches' };
}

/** Whether a submit with these options keeps every header, also those that are not compared. */
export function keepsHeaders(stored: TransactionOptions, { branchHeaders }: Partial<TransactionOptions> = {}): boolean {
  return branchHeaders === undefined || textOf(branchHeaders) === textOf(stored.branchHeaders);
}

const textOf = (headers: Readonly<Record<string, string>>): string =>
  JSON.stringify(Object.entries(headers).sort(([a], [b]) => (a < b ? -1 : 1)));

/** Headers that differ between repetitions of the same request. */
const OF_THE_CALL =
  /^(?:authorization|cookie|traceparent|tracestate|baggage|b3|x-b3-.*|x-request-id|x-correlation-id|x-amzn-trace-id|x-cloud-trace-context|uber-trace-id|sentry-trace)$/i;

/** The compared headers as text; the order and the case of the names are irrelevant. */
const headersText = ({ branchHeaders }: TransactionOptions): string =>
  JSON.stringify(
    Object.entries(branchHeaders)
      .filter(([name]) => !OF_THE_CALL.test(name))
      .map(([name, value]) => [name.toLowerCase(), value])
      .sort(([a = ''], [b = '']) => (a < b ? -1 : 1)),
  );
