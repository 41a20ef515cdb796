import type { Participant } from '../../../../deploy/test/support/participant.ts';
import type { VersionedNode } from './versioned-node.ts';

/** A transaction that cannot finish yet, and its final status once its participants respond. */
export interface Unfinished {
  readonly gid: string;
  readonly ends: 'succeed' | 'failed';
  /**
   * The branches that were called once it has ended, without repetitions, in no particular order.
   */
  readonly calls: readonly string[];
}

/** Paths of the participant that respond with 500 until the test changes that. */
const STUCK = '/stuck';
const REFUSES = '/refuses';

/**
 * Submits to a node one transaction of each kind that takes time: one between its steps, one
 * rolling back, one confirming, one with a check-back, one with a callback. Resolves when the node
 * drives them all.
 */
export async function beginUnfinished(
  node: VersionedNode,
  participant: Participant,
  name: string,
): Promise<Unfinished[]> {
  participant.respond(STUCK, 500);
  participant.respond(REFUSES, 409);
  const ok = participant.url('/ok');
  const stuck = participant.url(STUCK);
  const retry = { retryIntervalMs: 200 };
  const begin = (gid: string, request: object): Promise<unknown> =>
    node.post('/transactions', { gid: `${name}-${gid}`, ...request });
  const payload = { text: 'ä€😀', list: [1, 2, 3] };
  const step = (action: string, compensate = ok) => ({ action, compensate, payload });

  await begin('saga', { pattern: 'saga', steps: [step(ok), step(stuck), step(ok)], ...retry });
  await begin('concurrent', {
    pattern: 'saga',
    steps: [step(ok), step(stuck), { ...step(ok), after: [0, 1], requestTimeoutMs: 700 }],
    ...retry,
  });
  await begin('rollback', { pattern: 'saga', steps: [step(ok, stuck), step(participant.url(REFUSES))], ...retry });
  await begin('message', { pattern: 'msg', steps: [{ action: ok, payload }, { action: stuck }], ...retry });
  await begin('check', {
    pattern: 'msg',
    status: 'prepared',
    steps: [{ action: ok }],
    queryPrepared: stuck,
    timeoutToFailMs: 1,
    ...retry,
  });
  for (const url of [ok, stuck]) await node.call('PUT', `/api/v1/topics/${name}/subscribers`, { url });
  await begin('topic', { pattern: 'msg', steps: [{ action: `topic://${name}`, payload }], ...retry });
  for (const [pattern, branch] of [
    ['tcc', { confirm: stuck, cancel: ok, payload }],
    ['xa', { url: stuck }],
  ] as const) {
    await begin(pattern, { pattern, ...retry });
    await node.post(`/transactions/${name}-${pattern}/branches`, { pattern, branchId: '01', ...branch });
    await node.post(`/transactions/${name}-${pattern}/submit`);
  }
  await begin('cancel', { pattern: 'tcc', ...retry });
  await node.post(`/transactions/${name}-cancel/branches`, {
    pattern: 'tcc',
    branchId: '01',
    confirm: ok,
    cancel: stuck,
  });
  await node.post(`/transactions/${name}-cancel/abort`, { reason: 'changed my mind', by: 'initiator' });

  const unfinished: Unfinished[] = [
    { gid: 'saga', ends: 'succeed', calls: ['01 action', '02 action', '03 action'] },
    { gid: 'concurrent', ends: 'succeed', calls: ['01 action', '02 action', '03 action'] },
    { gid: 'rollback', ends: 'failed', calls: ['01 action', '02 action', '02 compensate', '01 compensate'] },
    { gid: 'message', ends: 'succeed', calls: ['01 action', '02 action'] },
    { gid: 'topic', ends: 'succeed', calls: ['01-01 action', '01-02 action'] },
    { gid: 'check', ends: 'succeed', calls: ['00 msg', '01 action'] },
    { gid: 'tcc', ends: 'succeed', calls: ['01 confirm'] },
    { gid: 'xa', ends: 'succeed', calls: ['01 commit'] },
    { gid: 'cancel', ends: 'failed', calls: ['01 cancel'] },
  ];
  return unfinished.map((one) => ({ ...one, gid: `${name}-${one.gid}` }));
}

/** From now on every branch does its part. */
export function letThemEnd(participant: Participant): void {
  participant.respond(STUCK, 200);
}

/** Starts a workflow of one recorded step; its code is this test, which is called back. */
export async function beginWorkflow(node: VersionedNode, participant: Participant, gid: string): Promise<void> {
  const workflow = { name: 'order', input: { bottles: 6 } };
  const queryPrepared = participant.url('/resume');
  await node.post('/transactions', { gid, pattern: 'workflow', workflow, queryPrepared, retryIntervalMs: 300 });
  const step = { branchId: '01', op: 'action', status: 'succeed', data: 'cGFpZA==' };
  await node.post(`/transactions/${gid}/branches`, { pattern: 'workflow', ...step });
}
