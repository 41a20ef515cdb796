import { branchResult } from '@holdfast/protocol';
import { beforeEach, describe, expect, it } from 'vitest';
import {
  respondedAt,
  claimsRespondedAt,
  callsOf,
  context,
  doneResponseLost,
  Gate,
  heldUntil,
  Stage,
  unavailable,
} from './support/stage.ts';
import { saga, tcc, tccBranch, workflow } from './support/transactions.ts';

/**
 * Bugs that the simulator found in the handling of late or lost responses of the store, each
 * reduced to the steps that reproduce it.
 */
describe('who drives a transaction', () => {
  let stage: Stage;

  beforeEach(() => {
    stage = new Stage();
  });

  it('a write of unknown outcome remains unknown while the store is unavailable', async () => {
    const a = await stage.started('A');
    a.next('write', doneResponseLost, unavailable, unavailable);
    const submitted = a.engine.submit(context, saga('s', 1));
    await stage.pass(5_000);
    await expect(submitted).resolves.toMatchObject({ status: 'submitted' });
    expect((await stage.record('s'))?.status).toBe('succeed');
  });

  it('transactions taken by a claim are driven even if the response to the claim was lost', async () => {
    const a = await stage.started('A');
    await a.engine.prepare(context, tcc);
    await stage.pass(9_500);
    a.next('claimDue', ...Array.from({ length: 3 }, () => doneResponseLost));
    await stage.pass(40_000);
    expect((await stage.record('t'))?.status).toBe('failed');
  });

  it('transactions taken by a claim are driven by the next session if the response came after the session was lost', async () => {
    const a = await stage.started('A', { timeoutToFailMs: 3_000 });
    const gate = new Gate();
    await a.engine.prepare(context, tcc);
    await a.engine.registerBranch(context, { gid: 't', branches: tccBranch });
    a.always('claimDue', claimsRespondedAt(gate));
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

  it('the late response of a claim does not restart a transaction that a command has driven to its end', async () => {
    const a = await stage.started('A');
    const gate = new Gate();
    stage.results.set('01 cancel', () => Promise.resolve(branchResult('UNKNOWN', 'HTTP 500')));
    await a.engine.prepare(context, tcc);
    await a.engine.registerBranch(context, { gid: 't', branches: tccBranch });
    await a.engine.abort(context, { gid: 't', reason: 'given up' });
    a.always('claimDue', claimsRespondedAt(gate));
    await stage.pass(1_500);
    expect(await stage.record('t')).toMatchObject({ owner: 'A.1', status: 'aborting' });
    stage.results.clear();
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

  it('a command that read the record before its node claimed it does not lose the claim', async () => {
    const a = await stage.started('A', { timeoutToFailMs: 3_000 });
    const gate = new Gate();
    await a.engine.prepare(context, tcc);
    await stage.pass(2_500);
    a.next('get', respondedAt(gate));
    const refused = a.engine.finishWorkflow(context, { gid: 't', status: 'failed', rollbackReason: '', result: '' });
    const failure = refused.catch((error: unknown) => error);
    await stage.pass(1_500);
    gate.open();
    await stage.pass(20_000);
    expect(await failure).toMatchObject({ code: 'wrong_pattern' });
    expect((await stage.record('t'))?.status).toBe('failed');
  });

  it("a record that is claimed again after another node's decision is not overwritten with the older state of this node", async () => {
    const a = await stage.started('A');
    // So busy that it leaves what it decides to others.
    const b = await stage.started('B', { maxInProgress: 0 });
    const failure = new Gate();
    stage.results.set('00 transfer', async () => {
      await failure.passed();
      return branchResult('UNKNOWN', 'no answer');
    });
    await a.engine.prepareWorkflow(context, workflow);
    await stage.pass(2_500);
    expect((await stage.record('w'))?.owner).toBe('A.1');
    await b.engine.abort(context, { gid: 'w', reason: 'a step was refused' });
    await stage.pass(2_000);
    failure.open();
    await stage.pass(5_000);
    expect((await stage.record('w'))?.status).toBe('aborting');
  });

  it('a claim is not lost if its response arrives before the record is read again after a lost write', async () => {
    const a = await stage.started('A');
    const b = await stage.started('B', { maxInProgress: 0 });
    const failure = new Gate();
    const read = new Gate();
    const claim = new Gate();
    stage.results.set('00 transfer', async () => {
      await failure.passed();
      return branchResult('UNKNOWN', 'no answer');
    });
    await a.engine.prepareWorkflow(context, workflow);
    await stage.pass(2_500);
    a.always('claimDue', heldUntil(claim));
    await stage.pass(1_000);
    await b.engine.abort(context, { gid: 'w', reason: 'a step was refused', byOperator: true });
    a.next('get', respondedAt(read));
    failure.open();
    await stage.pass(10);
    claim.open();
    await stage.pass(1_500);
    read.open();
    await stage.pass(100);
    const callsBefore = a.calls.length;
    await stage.pass(60_000);
    expect(a.calls.length).toBeGreaterThan(callsBefore);
  });
});
