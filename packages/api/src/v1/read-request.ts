import type { TransactionInput } from '@holdfast/core';
import type { Step, TransactionOptions } from '@holdfast/core/patterns';
import { HoldfastError } from '@holdfast/protocol';
import { defined } from '../reading/defined.ts';
import { bytesOf, payloadOf } from './json-bytes.ts';
import { type CheckedRequest, refuseContradictions } from './contradictions.ts';

export interface Creation {
  readonly status: 'prepared' | 'submitted';
  readonly input: TransactionInput;
}

/**
 * Converts the body of `POST /api/v1/transactions`; the gid is empty if the body has none. Throws
 * `invalid`, naming the field, if the request contradicts itself.
 */
export function readCreation(request: CheckedRequest): Creation {
  refuseContradictions(request);
  const orders = ordersOf(request);
  const { pattern, workflow } = request;
  const input = {
    gid: request.gid ?? '',
    pattern,
    steps: request.steps.map(stepOf),
    payloads: request.steps.map((step, index) => payloadOf(step, request.gid ?? '', ['steps', index])),
    options: optionsOf(request, orders !== undefined),
    ...defined({ protocol: request.protocol, queryPrepared: request.queryPrepared, orders }),
    ...(workflow !== undefined && { workflowName: workflow.name, workflowData: bytesOf(workflow.input) }),
  };
  const status = request.status ?? (pattern === 'saga' || pattern === 'msg' ? 'submitted' : 'prepared');
  return { status, input };
}

const stepOf = ({ action, compensate, requestTimeoutMs }: CheckedRequest['steps'][number]): Step => ({
  action,
  compensate: compensate ?? '',
  ...(requestTimeoutMs !== undefined && { requestTimeoutMs }),
});

function optionsOf(request: CheckedRequest, ordered: boolean): Partial<TransactionOptions> {
  const { timeoutToFailMs, retryIntervalMs, requestTimeoutMs, retryLimit, delayMs, branchHeaders } = request;
  const concurrent = ordered || request.concurrent;
  return defined({
    timeoutToFailMs,
    retryIntervalMs,
    requestTimeoutMs,
    retryLimit,
    delayMs,
    branchHeaders,
    concurrent,
    alwaysPost: true,
  });
}

/** `after` by step index; a dependency makes the transaction concurrent. */
function ordersOf({ steps, concurrent, pattern }: CheckedRequest): Record<number, readonly number[]> | undefined {
  const orders: Record<number, readonly number[]> = {};
  for (const [index, { after }] of steps.entries()) {
    if (after === undefined) continue;
    const field = ['steps', index, 'after'];
    if (pattern !== 'saga')
      throw new HoldfastError('invalid', 'only the steps of a saga have dependencies; leave it out', { field });
    if (concurrent === false)
      throw new HoldfastError('invalid', 'only the steps of a concurrent saga have dependencies; leave it out', {
        field,
      });
    orders[index] = after;
  }
  return Object.keys(orders).length === 0 ? undefined : orders;
}
