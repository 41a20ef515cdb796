import { beforeEach, describe, expect, it } from 'vitest';
import { respondedAt, callsOf, context, Gate, never, Stage, unavailable } from './support/stage.ts';
import { FAILURE, saga, tcc, tccBranch, workflow } from './support/transactions.ts';

/**
 * Bugs that the simulator found in the ownership of transactions, each reduced to the steps that
 * reproduce it.
 */
describe('who drives a transaction', () => {
  let stage: Stage;

  beforeEach(() => {
    stage = new Stage();
  });

  it('a workflow that its client finishes at a node other than the owner is finished in the store', async () => {
    const a = await stage.started('A');
    const b = await stage.started('B');
    stage.results.set('00 transfer', never);
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
    stage.results.set('00 transfer', never);
    await a.engine.prepareWorkflow(context, workflow);
    await stage.pass(2_000);
    expect([...callsOf(a), ...callsOf(b)]).toEqual(['00 transfer']);
    await b.engine.prepareWorkflow(context, workflow);
    await stage.pass(100);
    expect([...callsOf(a), ...callsOf(b)]).toEqual(['00 transfer']);
  });

  it('a node without a session accepts a command and leaves the transaction to a node that has a session', async () => {
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

  it('a drained node calls nothing from the moment its session ends', async () => {
    const a = await stage.started('A');
    const gate = new Gate();
    const response = new Gate();
    stage.results.set('01 action', async () => {
      await response.passed();
      return { kind: 'SUCCESS', reason: '' };
    });
    await a.engine.submit(context, saga('s', 2));
    a.always('endSession', respondedAt(gate));
    const drained = a.engine.drain(0);
    await stage.pass(10);
    response.open();
    await stage.pass(10);
    expect(callsOf(a)).toEqual(['01 action']);
    gate.open();
    await expect(drained).resolves.toBe(1);
  });

  it('a session that is opened while its node drains is ended', async () => {
    const a = await stage.started('A');
    const gate = new Gate();
    a.always('heartbeat', unavailable);
    a.always('openSession', respondedAt(gate));
    await stage.pass(16_000);
    expect(await stage.store.sessions()).toMatchObject([{ session: 'A.2' }]);
    await a.engine.drain(0);
    gate.open();
    await stage.pass(100);
    expect(await stage.store.sessions()).toEqual([]);
    expect(a.engine.load().leaseHeld).toBe(false);
  });

  it("an engine that has not started rejects requests, since it does not know the store's time", async () => {
    const { engine } = stage.actor('A');
    await expect(engine.submit(context, saga('s', 1))).rejects.toMatchObject({ code: 'unavailable' });
    await expect(engine.retryNow(context, 's')).rejects.toMatchObject({ code: 'unavailable' });
  });

  it('an action that waits for a place at its destination is not started after the decision to abort', async () => {
    const a = await stage.started('A', { maxCallsPerDestination: 1 });
    stage.results.set('01 action', FAILURE);
    await a.engine.submit(context, saga('s', 4, true));
    await stage.pass(20_000);
    expect(callsOf(a)).not.toContain('03 action');
    expect(callsOf(a)).not.toContain('04 action');
    expect((await stage.record('s'))?.status).toBe('failed');
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

  it('prepared transactions that are submitted count towards the bound of transactions driven at once', async () => {
    const a = await stage.started('A', { maxInProgress: 1 });
    stage.results.set('01 confirm', never);
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
