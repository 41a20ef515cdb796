import { branchResult } from '@holdfast/protocol';
import { beforeEach, describe, expect, it } from 'vitest';
import type { Alert } from '@holdfast/core';
import { context, Gate, Stage } from './support/stage.ts';
import { saga, workflow } from './support/transactions.ts';

const unreachable = () => Promise.resolve(branchResult('UNKNOWN', 'unreachable'));
const never = (): Promise<void> => new Promise(() => {});

/** The delivery of alerts when nodes and webhooks fail. */
describe('an alert', () => {
  let stage: Stage;
  let received: string[];
  const receiver =
    (node: string, outcome: () => void | Promise<void> = () => {}) =>
    (alert: Alert): void | Promise<void> => {
      received.push(`${node} ${alert.error}`);
      return outcome();
    };
  const options = { alertAfterRetries: 1, maxRetryIntervalMs: 1_000 };

  beforeEach(() => {
    stage = new Stage();
    received = [];
    stage.results.set('01 action', unreachable);
  });

  it('is raised once when its hook acknowledges it, however often the transaction is resumed', async () => {
    stage.hooks.set(
      'A',
      receiver('A', () => Promise.resolve()),
    );
    const a = await stage.started('A', options);
    await a.engine.submit(context, saga('s', 1));
    await stage.pass(20_000);
    expect(received).toEqual(['A unreachable']);
  });

  it('costs no additional read or write if no hook is configured', async () => {
    stage.hasAlertHooks = false;
    const a = await stage.started('A', options);
    const calls: string[] = [];
    const get = stage.store.get.bind(stage.store);
    stage.store.get = (keys) => (calls.push(...keys.map(({ gid }) => gid)), get(keys));
    await a.engine.submit(context, saga('s', 1));
    await stage.pass(500);
    const record = await stage.store.list({ namespace: 'default', gid: 's', limit: 1 }).then(({ items }) => items[0]);
    expect(record?.attention).toBe(true);
    // Created with its call in progress, then released with the result.
    expect([calls, record?.version]).toEqual([[], 2]);
    expect(new TextDecoder().decode(record?.state)).not.toContain('alertDue');
  });

  it('does not make a parked transaction due if no hook is configured', async () => {
    stage.hasAlertHooks = false;
    const park = { ...options, maxClaims: 1 };
    stage.results.set('01 action', () => new Promise(() => {}));
    const a = await stage.started('A', park);
    await a.engine.submit(context, saga('s', 1));
    await stage.pass(500);
    a.kill();
    await stage.started('B', park);
    await stage.pass(60_000);
    const record = await stage.record('s');
    expect([record?.attention, record?.owner, record?.dueAtMs]).toEqual([true, null, null]);
  });

  it('that its node did not deliver before it crashed is raised by the node that resumes the transaction', async () => {
    stage.hooks.set('A', receiver('A', never));
    stage.hooks.set('B', receiver('B'));
    const a = await stage.started('A', options);
    await a.engine.submit(context, saga('s', 1));
    await stage.pass(500);
    expect(received).toEqual(['A unreachable']);
    a.kill();
    await stage.started('B', options);
    await stage.pass(60_000);
    expect(received).toEqual(['A unreachable', 'B unreachable']);
  });

  it('is raised again with a later attempt when its hook failed', async () => {
    let failures = 2;
    stage.hooks.set(
      'A',
      receiver('A', () => (failures-- > 0 ? Promise.reject(new Error('HTTP 500')) : Promise.resolve())),
    );
    const a = await stage.started('A', options);
    await a.engine.submit(context, saga('s', 1));
    await stage.pass(30_000);
    expect(received).toHaveLength(3);
  });

  it('is not raised a second time while its hook has not returned', async () => {
    stage.hooks.set('A', receiver('A', never));
    const a = await stage.started('A', options);
    await a.engine.submit(context, saga('s', 1));
    await stage.pass(30_000);
    expect(received).toHaveLength(1);
  });

  it('of a parked transaction is raised after its node crashed, and starts nothing', async () => {
    stage.hooks.set('A', receiver('A', never));
    stage.hooks.set('B', receiver('B'));
    const park = { maxClaims: 1, alertAfterRetries: 100 };
    const first = await stage.started('0', park);
    stage.results.set('01 action', () => new Promise(() => {}));
    await first.engine.submit(context, saga('s', 1));
    first.kill();
    const a = await stage.started('A', park);
    await stage.pass(30_000);
    expect(received).toEqual(['A 1 nodes in a row crashed while driving it']);
    a.kill();
    const b = await stage.started('B', park);
    await stage.pass(120_000);
    expect(received).toHaveLength(2);
    expect(await stage.record('s')).toMatchObject({ owner: null, dueAtMs: null, attention: true });
    expect([a.calls, b.calls]).toEqual([[], []]);
  });

  it('that is acknowledged late does not change a prepared transaction that another node drives by then', async () => {
    const gate = new Gate();
    stage.hooks.set(
      'A',
      receiver('A', () => gate.passed()),
    );
    // The first callback fails at once, the second never returns.
    const results = [unreachable];
    stage.respond = () => results.shift()?.() ?? new Promise(() => {});
    const a = await stage.started('A', options);
    await a.engine.prepareWorkflow(context, workflow);
    await stage.pass(1_500);
    expect(received).toEqual(['A unreachable']);
    a.always('claimDue', () => Promise.resolve({ claimed: [], nextDueInMs: null, sessionEnded: false }));
    const b = await stage.started('B', options);
    await stage.pass(5_000);
    gate.open();
    await stage.pass(3_000);
    expect((await stage.record('w'))?.owner).toBe('B.1');
    expect([a.calls, b.calls].map(({ length }) => length)).toEqual([1, 1]);
  });
});
