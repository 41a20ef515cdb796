import type { Post } from '../load/closed-loop.ts';
import { sagaBody, sagaTail, SUBMIT_PATH } from '../load/saga.ts';

/** The transactions to put into a store. */
export interface FillRequest {
  readonly target: string;
  readonly branches: string;
  readonly finished: number;
  readonly waiting: number;
  readonly gidPrefix: string;
}

const PREPARE_PATH = '/api/dtmsvr/prepare';
/** Waiting transactions do not become due during the benchmark. */
const DUE_IN_SECONDS = 86_400;

/**
 * The n-th request of a filling, from 1: sagas that finish, then messages that stay prepared.
 * Undefined after the last one.
 */
export function fillPost({ branches, finished, waiting, gidPrefix }: FillRequest, n: number): Post | undefined {
  const gid = `${gidPrefix}${n}`;
  if (n <= finished) return { path: SUBMIT_PATH, body: sagaBody(gid, sagaTail(branches)) };
  if (n > finished + waiting) return undefined;
  const message = {
    gid,
    trans_type: 'msg',
    steps: [{ action: `${branches}/credit` }],
    payloads: [JSON.stringify({ amount: 30 })],
    query_prepared: `${branches}/check`,
    timeout_to_fail: DUE_IN_SECONDS,
  };
  return { path: PREPARE_PATH, body: JSON.stringify(message) };
}
