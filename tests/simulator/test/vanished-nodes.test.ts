import { branchResult } from '@holdfast/protocol';
import { beforeEach, describe, expect, it } from 'vitest';
import { callsOf, context, Gate, heldUntil, never, Stage, unavailable } from './support/stage.ts';
import { FAILURE, saga } from './support/transactions.ts';

/**
 * Bugs that the simulator found in the handling of steps that a crashed node may have started, each
 * reduced to the steps that reproduce it.
 */
describe('who drives a transaction', () => {
  let stage: Stage;

  beforeEach(() => {
    stage = new Stage();
  });

  it('a transaction of a crashed node that a command takes before it is claimed counts as one of a crashed node', async () => {
    const a = await stage.started('A');
    const b = await stage.started('B', { pollMs: 60_000 });
    stage.results.set('02 action', never);
    await a.engine.submit(context, saga('s', 2));
    await stage.pass(100);
    expect(callsOf(a)).toEqual(['01 action', '02 action']);
    a.kill();
    const gate = new Gate();
    b.always('claimDue', heldUntil(gate));
    await stage.pass(17_000);
    expect(await stage.record('s')).toMatchObject({ owner: null, status: 'submitted' });
    stage.results.set('01 action', FAILURE);
    await b.engine.submit(context, saga('s', 2));
    await stage.pass(100);
    expect(callsOf(b)).toEqual(['01 action', '02 compensate', '01 compensate']);
  });

  it('an abort command during the takeover of a saga does not hide the steps that the crashed node may have started', async () => {
    const a = await stage.started('A', { progressFlushMs: 60_000 });
    const b = await stage.started('B');
    const c = await stage.started('C', { pollMs: 600_000 });
    stage.results.set('02 action', never);
    await a.engine.submit(context, { ...saga('s', 2), options: { timeoutToFailMs: 5_000 } });
    await stage.pass(100);
    a.kill();
    const gate = new Gate();
    b.always('write', heldUntil(gate));
    c.always('claimDue', unavailable);
    await stage.pass(17_000);
    expect(await stage.record('s')).toMatchObject({ owner: 'B.1', status: 'submitted' });
    await c.engine.abort(context, { gid: 's', reason: 'aborted by the operator', byOperator: true });
    gate.open();
    await stage.pass(1_000);
    expect(callsOf(b)).toEqual(['02 compensate', '01 compensate']);
  });

  it('after the loss of its session a node compensates the steps that the session may have started', async () => {
    const a = await stage.started('A', { progressFlushMs: 60_000 });
    stage.results.set('02 action', never);
    await a.engine.submit(context, saga('s', 2));
    await stage.pass(100);
    expect(callsOf(a)).toEqual(['01 action', '02 action']);
    a.always('heartbeat', unavailable);
    a.always('openSession', unavailable);
    await stage.pass(13_000);
    expect(a.engine.load().leaseHeld).toBe(false);
    await a.engine.abort(context, { gid: 's', reason: 'aborted by the operator', byOperator: true });
    a.always('heartbeat', undefined);
    a.always('openSession', undefined);
    await stage.pass(30_000);
    expect(callsOf(a)).toEqual(['01 action', '02 action', '02 compensate', '01 compensate']);
  });

  it('an abort command that a crashed node had not read compensates every step that the node may have started', async () => {
    const a = await stage.started('A', { progressFlushMs: 60_000 });
    const b = await stage.started('B');
    stage.results.set('02 action', never);
    await a.engine.submit(context, saga('s', 2));
    await stage.pass(100);
    await b.engine.abort(context, { gid: 's', reason: 'aborted by the operator', byOperator: true });
    a.kill();
    await stage.pass(20_000);
    expect(callsOf(b)).toEqual(['02 compensate', '01 compensate']);
    expect((await stage.record('s'))?.status).toBe('failed');
  });

  it('an abort command that is stored after the release of its transaction is applied before another command drives the transaction', async () => {
    const a = await stage.started('A', { pollMs: 600_000 });
    const b = await stage.started('B', { pollMs: 600_000 });
    const response = new Gate();
    const command = new Gate();
    stage.results.set('01 action', async () => {
      await response.passed();
      return branchResult('ONGOING', 'still running');
    });
    await a.engine.submit(context, { ...saga('s', 1), options: { retryIntervalMs: 600_000 } });
    b.next('write', heldUntil(command));
    const aborted = b.engine.abort(context, { gid: 's', reason: 'aborted by the operator', byOperator: true });
    await stage.pass(10);
    response.open();
    await stage.pass(100);
    expect(await stage.record('s')).toMatchObject({ owner: null, status: 'submitted' });
    command.open();
    await aborted;
    await a.engine.submit(context, saga('s', 1)).catch(() => {});
    await stage.pass(1_000);
    expect((await stage.record('s'))?.status).toBe('failed');
    expect(callsOf(a)).toEqual(['01 action', '01 compensate']);
  });
});
