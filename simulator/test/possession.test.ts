import { branchResult } from '@holdfast/protocol';
import { beforeEach, describe, expect, it } from 'vitest';
import {
  answeredAt,
  claimsAnsweredAt,
  callsOf,
  context,
  doneAnswerLost,
  Gate,
  heldUntil,
  never,
  Stage,
  unavailable,
} from './support/stage.ts';

const BYTES = new Uint8Array(0);
const FAILURE = () => Promise.resolve(branchResult('FAILURE', 'refused'));

const workflow = { gid: 'w', pattern: 'workflow', workflowName: 'transfer', queryPrepared: 'http://client/w' } as const;
const tcc = { gid: 't', pattern: 'tcc' } as const;
const tccBranch = (['cancel', 'confirm'] as const).map((op) => ({
  branchId: '01',
  op,
  url: `http://service/${op}`,
  payload: BYTES,
  status: 'prepared' as const,
}));
const saga = (gid: string, steps: number, concurrent = false) =>
  ({
    gid,
    pattern: 'saga',
    steps: Array.from({ length: steps }, (_, i) => ({ action: `http://s/${i}`, compensate: `http://s/${i}/undo` })),
    payloads: Array.from({ length: steps }, () => BYTES),
    options: { concurrent },
  }) as const;

/** Bugs that the simulator found, each reduced to the steps that it takes. */
describe('who drives a transaction', () => {
  let stage: Stage;

  beforeEach(() => {
    stage = new Stage();
  });

  it('a workflow that its client ends at a node that does not own it is ended in the store', async () => {
    const a = await stage.started('A');
    const b = await stage.started('B');
    stage.answers.set('00 transfer', never);
    await a.engine.prepareWorkflow(context, workflow);
    await a.engine.abort(context, { gid: 'w', reason: 'a step was refused' });
    await stage.pass(2_000);
    expect((await stage.record('w'))?.owner).not.toBeNull();
    await b.engine.finishWorkflow(context, { gid: 'w', status: 'failed', rollbackReason: '', result: '' });
    expect((await stage.record('w'))?.status).toBe('failed');
  });

  it('preparing a workflow again at another node does not call its client back a second time', async () => {
    const a = await stage.started('A');
    const b = await stage.started('B', { pollMs: 60_000 });
    stage.answers.set('00 transfer', never);
    await a.engine.prepareWorkflow(context, workflow);
    await stage.pass(2_000);
    expect([...callsOf(a), ...callsOf(b)]).toEqual(['00 transfer']);
    await b.engine.prepareWorkflow(context, workflow);
    await stage.pass(100);
    expect([...callsOf(a), ...callsOf(b)]).toEqual(['00 transfer']);
  });

  it('a node without a session accepts an order and leaves it to whoever has one', async () => {
    const a = await stage.started('A');
    await a.engine.prepare(context, tcc);
    await a.engine.registerBranch(context, { gid: 't', branches: tccBranch });
    a.always('heartbeat', unavailable);
    a.always('openSession', unavailable);
    await stage.pass(9_000);
    await a.engine.submit(context, { ...tcc, gid: 'other' }).catch(() => {});
    await stage.pass(6_500);
    expect(a.engine.load().leaseHeld).toBe(false);
    await a.engine.abort(context, { gid: 't', reason: 'given up' });
    a.always('heartbeat', undefined);
    a.always('openSession', undefined);
    await stage.pass(40_000);
    expect((await stage.record('t'))?.status).toBe('failed');
    expect(a.engine.load().inProgress).toBe(0);
  });

  it('a write in doubt stays in doubt when the store cannot be reached afterwards', async () => {
    const a = await stage.started('A');
    a.next('write', doneAnswerLost, unavailable, unavailable);
    const submitted = a.engine.submit(context, saga('s', 1));
    await stage.pass(5_000);
    await expect(submitted).resolves.toMatchObject({ status: 'submitted' });
    expect((await stage.record('s'))?.status).toBe('succeed');
  });

  it('what a claim took whose answer was lost is driven all the same', async () => {
    const a = await stage.started('A');
    await a.engine.prepare(context, tcc);
    await stage.pass(9_500);
    a.next('claimDue', ...Array.from({ length: 3 }, () => doneAnswerLost));
    await stage.pass(40_000);
    expect((await stage.record('t'))?.status).toBe('failed');
  });

  it('what a claim took whose answer came after the session was lost is driven by the next session', async () => {
    const a = await stage.started('A', { timeoutToFailMs: 3_000 });
    const gate = new Gate();
    await a.engine.prepare(context, tcc);
    await a.engine.registerBranch(context, { gid: 't', branches: tccBranch });
    a.always('claimDue', claimsAnsweredAt(gate));
    a.always('heartbeat', unavailable);
    a.always('openSession', unavailable);
    await stage.pass(13_000);
    expect(await stage.record('t')).toMatchObject({ owner: 'A.1', status: 'prepared' });
    expect(a.engine.load().leaseHeld).toBe(false);
    gate.open();
    await stage.pass(100);
    a.always('claimDue', undefined);
    a.always('heartbeat', undefined);
    a.always('openSession', undefined);
    await stage.pass(40_000);
    expect((await stage.record('t'))?.status).toBe('failed');
    expect(a.engine.load().inProgress).toBe(0);
  });

  it('the late answer of a claim does not start again what a command has driven to its end meanwhile', async () => {
    const a = await stage.started('A');
    const gate = new Gate();
    stage.answers.set('01 cancel', () => Promise.resolve(branchResult('UNKNOWN', 'HTTP 500')));
    await a.engine.prepare(context, tcc);
    await a.engine.registerBranch(context, { gid: 't', branches: tccBranch });
    await a.engine.abort(context, { gid: 't', reason: 'given up' });
    a.always('claimDue', claimsAnsweredAt(gate));
    await stage.pass(1_500);
    expect(await stage.record('t')).toMatchObject({ owner: 'A.1', status: 'aborting' });
    stage.answers.clear();
    await a.engine.abort(context, { gid: 't', reason: 'given up' });
    await stage.pass(100);
    expect((await stage.record('t'))?.status).toBe('failed');
    a.next('write', unavailable);
    await expect(a.engine.submit(context, tcc)).rejects.toMatchObject({ code: 'unavailable' });
    gate.open();
    await stage.pass(1_000);
    expect(callsOf(a)).toEqual(['01 cancel', '01 cancel']);
    expect(a.engine.load().inProgress).toBe(0);
  });

  it('a command that was read before its node claimed the record does not lose the claim', async () => {
    const a = await stage.started('A', { timeoutToFailMs: 3_000 });
    const gate = new Gate();
    await a.engine.prepare(context, tcc);
    await stage.pass(2_500);
    a.next('get', answeredAt(gate));
    const refused = a.engine.finishWorkflow(context, { gid: 't', status: 'failed', rollbackReason: '', result: '' });
    const answer = refused.catch((error: unknown) => error);
    await stage.pass(1_500);
    gate.open();
    await stage.pass(20_000);
    expect(await answer).toMatchObject({ code: 'refused' });
    expect((await stage.record('t'))?.status).toBe('failed');
  });

  it('a drained node calls nothing from the moment its session ends', async () => {
    const a = await stage.started('A');
    const gate = new Gate();
    const answer = new Gate();
    stage.answers.set('01 action', async () => {
      await answer.passed();
      return { kind: 'SUCCESS', reason: '' };
    });
    await a.engine.submit(context, saga('s', 2));
    a.always('endSession', answeredAt(gate));
    const drained = a.engine.drain(0);
    await stage.pass(10);
    answer.open();
    await stage.pass(10);
    expect(callsOf(a)).toEqual(['01 action']);
    gate.open();
    await expect(drained).resolves.toBe(1);
  });

  it('a session that is being opened while its node drains does not stay', async () => {
    const a = await stage.started('A');
    const gate = new Gate();
    a.always('heartbeat', unavailable);
    a.always('openSession', answeredAt(gate));
    await stage.pass(16_000);
    expect(await stage.store.sessions()).toMatchObject([{ session: 'A.2' }]);
    await a.engine.drain(0);
    gate.open();
    await stage.pass(100);
    expect(await stage.store.sessions()).toEqual([]);
    expect(a.engine.load().leaseHeld).toBe(false);
  });

  it('a record claimed again after another node decided about it is not written back to what this node knew', async () => {
    const a = await stage.started('A');
    // So busy that it leaves what it decides to others.
    const b = await stage.started('B', { maxInProgress: 0 });
    const answer = new Gate();
    stage.answers.set('00 transfer', async () => {
      await answer.passed();
      return branchResult('UNKNOWN', 'no answer');
    });
    await a.engine.prepareWorkflow(context, workflow);
    await stage.pass(2_500);
    expect((await stage.record('w'))?.owner).toBe('A.1');
    await b.engine.abort(context, { gid: 'w', reason: 'a step was refused' });
    await stage.pass(2_000);
    answer.open();
    await stage.pass(5_000);
    expect((await stage.record('w'))?.status).toBe('aborting');
  });

  it('a claim whose answer overtakes the reading after a lost write is not lost', async () => {
    const a = await stage.started('A');
    const b = await stage.started('B', { maxInProgress: 0 });
    const answer = new Gate();
    const read = new Gate();
    const claim = new Gate();
    stage.answers.set('00 transfer', async () => {
      await answer.passed();
      return branchResult('UNKNOWN', 'no answer');
    });
    await a.engine.prepareWorkflow(context, workflow);
    await stage.pass(2_500);
    a.always('claimDue', heldUntil(claim));
    await stage.pass(1_000);
    await b.engine.abort(context, { gid: 'w', reason: 'a step was refused', byOperator: true });
    a.next('get', answeredAt(read));
    answer.open();
    await stage.pass(10);
    claim.open();
    await stage.pass(1_500);
    read.open();
    await stage.pass(100);
    const asked = a.calls.length;
    await stage.pass(60_000);
    expect(a.calls.length).toBeGreaterThan(asked);
  });

  it('an engine that has not started refuses, since it does not know the time', async () => {
    const { engine } = stage.actor('A');
    await expect(engine.submit(context, saga('s', 1))).rejects.toMatchObject({ code: 'unavailable' });
    await expect(engine.retryNow(context, 's')).rejects.toMatchObject({ code: 'unavailable' });
  });

  it('an action that waits for a place at its destination is not started after the decision to abort', async () => {
    const a = await stage.started('A', { maxCallsPerDestination: 1 });
    stage.answers.set('01 action', FAILURE);
    await a.engine.submit(context, saga('s', 4, true));
    await stage.pass(20_000);
    expect(callsOf(a)).not.toContain('03 action');
    expect(callsOf(a)).not.toContain('04 action');
    expect((await stage.record('s'))?.status).toBe('failed');
  });

  it('a transaction of a vanished node that a command takes before it is claimed counts as one of a vanished node', async () => {
    const a = await stage.started('A');
    const b = await stage.started('B', { pollMs: 60_000 });
    stage.answers.set('02 action', never);
    await a.engine.submit(context, saga('s', 2));
    await stage.pass(100);
    expect(callsOf(a)).toEqual(['01 action', '02 action']);
    a.kill();
    const gate = new Gate();
    b.always('claimDue', heldUntil(gate));
    await stage.pass(17_000);
    expect(await stage.record('s')).toMatchObject({ owner: null, status: 'submitted' });
    stage.answers.set('01 action', FAILURE);
    await b.engine.submit(context, saga('s', 2));
    await stage.pass(100);
    expect(callsOf(b)).toEqual(['01 action', '02 compensate', '01 compensate']);
  });

  it('an order to abort that comes while a saga of a vanished node is taken over does not hide what that node may have started', async () => {
    const a = await stage.started('A', { progressFlushMs: 60_000 });
    const b = await stage.started('B');
    const c = await stage.started('C', { pollMs: 600_000 });
    stage.answers.set('02 action', never);
    await a.engine.submit(context, { ...saga('s', 2), options: { timeoutToFailMs: 5_000 } });
    await stage.pass(100);
    a.kill();
    const gate = new Gate();
    b.always('write', heldUntil(gate));
    c.always('claimDue', unavailable);
    await stage.pass(17_000);
    expect(await stage.record('s')).toMatchObject({ owner: 'B.1', status: 'submitted' });
    await c.engine.abort(context, { gid: 's', reason: 'an operator said so', byOperator: true });
    gate.open();
    await stage.pass(1_000);
    expect(callsOf(b)).toEqual(['02 compensate', '01 compensate']);
  });

  it('what its own lost session had is as unknown to a node as what a vanished node had', async () => {
    const a = await stage.started('A', { progressFlushMs: 60_000 });
    stage.answers.set('02 action', never);
    await a.engine.submit(context, saga('s', 2));
    await stage.pass(100);
    expect(callsOf(a)).toEqual(['01 action', '02 action']);
    a.always('heartbeat', unavailable);
    a.always('openSession', unavailable);
    await stage.pass(13_000);
    expect(a.engine.load().leaseHeld).toBe(false);
    await a.engine.abort(context, { gid: 's', reason: 'an operator said so', byOperator: true });
    a.always('heartbeat', undefined);
    a.always('openSession', undefined);
    await stage.pass(30_000);
    expect(callsOf(a)).toEqual(['01 action', '02 action', '02 compensate', '01 compensate']);
  });

  it('an order to abort that a vanished node had not read compensates all that it may have started', async () => {
    const a = await stage.started('A', { progressFlushMs: 60_000 });
    const b = await stage.started('B');
    stage.answers.set('02 action', never);
    await a.engine.submit(context, saga('s', 2));
    await stage.pass(100);
    await b.engine.abort(context, { gid: 's', reason: 'an operator said so', byOperator: true });
    a.kill();
    await stage.pass(20_000);
    expect(callsOf(b)).toEqual(['02 compensate', '01 compensate']);
    expect((await stage.record('s'))?.status).toBe('failed');
  });

  it('an order to abort that is stored after its transaction was released is carried out before a command drives it', async () => {
    const a = await stage.started('A', { pollMs: 600_000 });
    const b = await stage.started('B', { pollMs: 600_000 });
    const answer = new Gate();
    const order = new Gate();
    stage.answers.set('01 action', async () => {
      await answer.passed();
      return branchResult('ONGOING', 'still running');
    });
    await a.engine.submit(context, { ...saga('s', 1), options: { retryIntervalMs: 600_000 } });
    b.next('write', heldUntil(order));
    const aborted = b.engine.abort(context, { gid: 's', reason: 'an operator said so', byOperator: true });
    await stage.pass(10);
    answer.open();
    await stage.pass(100);
    expect(await stage.record('s')).toMatchObject({ owner: null, status: 'submitted' });
    order.open();
    await aborted;
    await a.engine.submit(context, saga('s', 1)).catch(() => {});
    await stage.pass(1_000);
    expect((await stage.record('s'))?.status).toBe('failed');
    expect(callsOf(a)).toEqual(['01 action', '01 compensate']);
  });

  it('a node that does not host an application leaves its transactions to one that does', async () => {
    const a = await stage.started('A', { groups: ['shop'] });
    const b = await stage.started('B');
    const local = { ...saga('s', 1), steps: [{ action: 'local://shop/pay', compensate: '' }] };
    await b.engine.submit(context, local);
    await stage.pass(2_000);
    expect(callsOf(b)).toEqual([]);
    expect(callsOf(a)).toEqual(['01 action']);
    expect((await stage.record('s'))?.status).toBe('succeed');
  });

  it('what was prepared before counts towards the bound of what is driven at once', async () => {
    const a = await stage.started('A', { maxInProgress: 1 });
    stage.answers.set('01 confirm', never);
    for (const gid of ['t1', 't2']) {
      await a.engine.prepare(context, { ...tcc, gid });
      await a.engine.registerBranch(context, { gid, branches: tccBranch });
    }
    for (const gid of ['t1', 't2']) await a.engine.submit(context, { ...tcc, gid });
    await stage.pass(500);
    const owners = [(await stage.record('t1'))?.owner, (await stage.record('t2'))?.owner];
    expect(owners).toEqual(['A.1', null]);
  });
});
