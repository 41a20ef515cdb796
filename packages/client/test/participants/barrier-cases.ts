import { BranchFailure } from '@holdfast/protocol';
import { expect, it } from 'vitest';
import { declareBranch } from '../../src/branch-declaration.ts';
import { currentBranch } from '../../src/participants/branch-context.ts';
import type { BarrierHandler } from '../../src/participants/call.ts';
import { FakeBarrier } from './fake-barrier.ts';
import { json, MESSAGE, parseAmount, type Participant } from './harness.ts';

/** A participant behind a barrier, and the check-back of a message. */
export function barrierCases<Route>({ branch, checkBack, served, callOf }: Participant<Route>): void {
  it('behind a barrier, works once with its transaction, and responds every time with the kept result', async () => {
    const barrier = new FakeBarrier();
    const of = declareBranch('http://bank/debit', parseAmount);
    const url = await served(
      branch(barrier, (call, tx) => (tx.push(`take ${call.payload.amount}`), currentBranch()?.gid), { of }),
    );
    const responses = [await callOf(url), await callOf(url)];
    expect(responses.map(({ status, text }) => [status, json(text)])).toEqual([
      [200, { dtm_result: 'SUCCESS', result: 'g-1' }],
      [200, { dtm_result: 'SUCCESS', result: 'g-1' }],
    ]);
    expect(barrier.committed).toEqual(['take 30']);
  });

  it('behind a barrier, reports a failure, and rolls back what was written', async () => {
    const barrier = new FakeBarrier();
    const refuse: BarrierHandler<unknown, string[]> = (_call, tx) => {
      tx.push('take 30');
      throw new BranchFailure('the account is closed');
    };
    const response = await callOf(await served(branch(barrier, refuse)));
    expect([response.status, json(response.text)?.['message']]).toEqual([409, 'the account is closed']);
    expect(barrier.committed).toEqual([]);
  });

  it('responds to the check-back of a message with 200 when committed, 409 when not', async () => {
    const barrier = new FakeBarrier();
    await barrier.message('g-1', (tx) => tx.push('take 30'));
    const url = await served(checkBack(barrier));
    const committed = await callOf(url, { query: MESSAGE, body: null });
    const refused = await callOf(url, { query: MESSAGE.replace('g-1', 'g-2'), body: null });
    expect([committed.status, refused.status]).toEqual([200, 409]);
    expect(json(refused.text)).toMatchObject({ dtm_result: 'FAILURE' });
  });

  it('responds with 500 to a check-back that cannot be resolved now, and with 400 to a call of a step', async () => {
    const barrier = new FakeBarrier();
    barrier.broken = new Error('the database is down');
    const notes: unknown[] = [];
    const url = await served(checkBack(barrier, { onError: (error) => notes.push(error) }));
    const unknown = await callOf(url, { query: MESSAGE, body: null });
    const step = await callOf(url);
    expect([unknown.status, step.status]).toEqual([500, 400]);
    expect(notes).toHaveLength(2);
  });
}
