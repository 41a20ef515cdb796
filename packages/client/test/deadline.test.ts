import { CoordinatorUnreachable, DeadlineExceeded } from '@holdfast/client';
import { describe, expect, it } from 'vitest';
import type { FakeCoordinator } from './support/fake-coordinator.ts';
import { clientOf, withCoordinator } from './support/with-coordinator.ts';

const DEBIT = { action: 'http://bank/debit', compensate: 'http://bank/refund' };

/** The header field of each request that the coordinator received. */
const stated = (coordinator: FakeCoordinator): number[] =>
  coordinator.requests.map(({ headers }) => Number(headers['request-timeout-ms']));

describe('the deadline that a request states', () => {
  it("is below the client's timeout of the request, on every call", async () => {
    const { coordinator, hf } = await withCoordinator({ requestTimeoutMs: 8_000 });
    coordinator.onSubmit = () => ({ status: 'succeed' });
    const { gid } = await hf.saga().step(DEBIT).submit();
    await hf.get(gid);
    await hf.list();
    await hf.topics.subscribe('paid', 'http://bank/');
    expect(stated(coordinator)).toEqual([7_750, 7_750, 7_750, 7_750]);
  });

  it('includes the time for which a wait lets the coordinator hold the response back', async () => {
    const { coordinator, hf } = await withCoordinator({ requestTimeoutMs: 1_000 });
    coordinator.onSubmit = () => ({ status: 'succeed' });
    await hf
      .saga()
      .step(DEBIT)
      .submit({ wait: { timeoutMs: 5_000 } });
    const waitMs = Number(coordinator.requests[0]?.query['waitMs']);
    expect(stated(coordinator)).toEqual([waitMs + 750]);
  });

  it('is what is left of the time of the call, also on a repeat', async () => {
    const { coordinator, hf } = await withCoordinator();
    coordinator.faults.push('not-started');
    await hf.saga().step(DEBIT).submit({ callTimeoutMs: 5_000 });
    const [first = 0, second = 0] = stated(coordinator);
    expect(first).toBeLessThanOrEqual(4_750);
    expect(first).toBeGreaterThan(second);
    expect(second).toBeGreaterThan(0);
  });

  it("is the application's own, if its header fields contain one", async () => {
    const { coordinator, hf } = await withCoordinator({ headers: { 'request-TIMEOUT-ms': '77' } });
    await hf.list();
    expect(stated(coordinator)).toEqual([77]);
  });

  it('is omitted without a timeout', async () => {
    const { coordinator, hf } = await withCoordinator({ requestTimeoutMs: 0 });
    coordinator.onSubmit = () => ({ status: 'succeed' });
    await hf
      .saga()
      .step(DEBIT)
      .submit({ wait: { timeoutMs: 100 } });
    expect(stated(coordinator)).toEqual([Number.NaN]);
  });

  it('is not sent to the coordinator as an option of a transaction', async () => {
    const { coordinator, hf } = await withCoordinator();
    await hf.tcc(() => undefined, { callTimeoutMs: 4_000 });
    expect(coordinator.requests).toHaveLength(2);
    for (const ms of stated(coordinator)) expect(ms).toBeLessThanOrEqual(3_750);
    expect(coordinator.requests[0]?.body).not.toHaveProperty('callTimeoutMs');
  });
});

describe('a deadline that has passed', () => {
  it('is repeated within the time for retries, and then thrown with what is known about the change', async () => {
    const { coordinator, hf } = await withCoordinator({ retryForMs: 0 });
    coordinator.faults.push('not-started', 'unknown-outcome');
    const error: unknown = await hf
      .saga('a')
      .step(DEBIT)
      .submit()
      .catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(DeadlineExceeded);
    // A caller that repeats what was not responded to also repeats this.
    expect(error).toBeInstanceOf(CoordinatorUnreachable);
    expect(error).toMatchObject({ code: 'deadline_exceeded', outcome: 'not_started', gid: 'a', attempts: 1 });
    await expect(hf.saga('b').step(DEBIT).submit()).rejects.toMatchObject({
      code: 'deadline_exceeded',
      outcome: 'unknown',
      gid: 'b',
    });
    const patient = clientOf(coordinator.url);
    coordinator.faults.push('not-started', 'unknown-outcome');
    coordinator.onSubmit = () => ({ status: 'succeed' });
    await expect(patient.saga('c').step(DEBIT).submit()).resolves.toMatchObject({ status: 'succeed' });
  });

  it('has an unknown outcome if any attempt has', async () => {
    const { coordinator, hf } = await withCoordinator({ retryForMs: 60_000 });
    coordinator.faults.push('lost-response', ...Array.from({ length: 100 }, () => 'not-started' as const));
    await expect(hf.saga('a').step(DEBIT).submit({ callTimeoutMs: 500 })).rejects.toMatchObject({
      code: 'deadline_exceeded',
      outcome: 'unknown',
      gid: 'a',
    });
  });

  it('puts no gid in doubt if no change was started', async () => {
    const { coordinator, hf } = await withCoordinator();
    coordinator.onSubmit = () => ({ status: 'succeed' });
    await hf.saga('order-1').step(DEBIT).submit();
    coordinator.faults.push('not-started');
    const other = hf.message('order-1').step('http://bank/').prepare('http://bank/check');
    await expect(other).rejects.toMatchObject({ rejection: 'refused', status: 'succeed' });
    // Doubt would compare the transaction, and report that it is another one.
    const message = clientOf(coordinator.url, { retryForMs: 0 }).message('order-1').step('http://bank/');
    coordinator.faults.push('not-started');
    await expect(message.prepare('http://bank/check')).rejects.toMatchObject({ outcome: 'not_started' });
    await expect(message.prepare('http://bank/check')).rejects.toMatchObject({ rejection: 'refused' });
  });

  it('does not make a client with small timeouts spin', async () => {
    const { coordinator, hf } = await withCoordinator({ retryForMs: 300, requestTimeoutMs: 1 });
    coordinator.faults.push(...Array.from({ length: 1_000 }, () => 'not-started' as const));
    await expect(hf.get('a')).rejects.toBeInstanceOf(CoordinatorUnreachable);
    await expect(hf.wait('a', { timeoutMs: 1 })).rejects.toBeInstanceOf(CoordinatorUnreachable);
    await expect(hf.get('a', { callTimeoutMs: 1 })).rejects.toBeInstanceOf(CoordinatorUnreachable);
    // Each pause is at least half of 50, 100, 200 … ms.
    expect(coordinator.requests.length).toBeLessThanOrEqual(4 + 4 + 1);
  });
});

describe('the timeout of one call', () => {
  it('ends a call that is not responded to', async () => {
    const { coordinator, hf } = await withCoordinator({ retryForMs: 60_000 });
    coordinator.faults.push('hang', 'hang', 'hang');
    await expect(hf.saga('a').step(DEBIT).submit({ callTimeoutMs: 200 })).rejects.toMatchObject({
      code: 'deadline_exceeded',
      outcome: 'unknown',
      gid: 'a',
    });
    await expect(hf.get('a', { callTimeoutMs: 200 })).rejects.toBeInstanceOf(DeadlineExceeded);
    expect(coordinator.requests.length).toBe(2);
  });

  it('ends a call to a coordinator that is not there, whose outcome is certain', async () => {
    const { coordinator, hf } = await withCoordinator({ retryForMs: 60_000 });
    await coordinator.close();
    const submitted = hf.saga('a').step(DEBIT).submit({ callTimeoutMs: 200 });
    await expect(submitted).rejects.toMatchObject({ code: 'deadline_exceeded', outcome: 'not_started' });
  });

  it('ends a wait with the state of the transaction', async () => {
    const { coordinator, hf } = await withCoordinator();
    const saga = hf.saga('a').step(DEBIT);
    const pending = { code: 'transaction_pending', gid: 'a', status: 'submitted' };
    await saga.submit();
    await Promise.all([
      expect(saga.submit({ wait: true, callTimeoutMs: 1_500 })).rejects.toMatchObject(pending),
      expect(hf.wait('a', { callTimeoutMs: 1_500 })).rejects.toMatchObject(pending),
      expect(hf.finished('a', { callTimeoutMs: 1_500 })).rejects.toMatchObject(pending),
    ]);
    const waits = coordinator.requests.flatMap(({ query }) => query['waitMs'] ?? []);
    expect(waits).toHaveLength(3);
    for (const waitMs of waits) expect(Number(waitMs)).toBeLessThanOrEqual(1_200);
  });

  it('does not begin a call if it is 0', async () => {
    const { coordinator, hf } = await withCoordinator();
    await expect(hf.get('a', { callTimeoutMs: 0 })).rejects.toMatchObject({ outcome: 'not_started', attempts: 0 });
    expect(coordinator.requests).toHaveLength(0);
  });

  it.each([-1, Number.NaN, '5' as unknown as number])(
    'must be a number of at least 0, not %j',
    async (callTimeoutMs) => {
      const { coordinator, hf } = await withCoordinator();
      const options = { callTimeoutMs };
      await expect(hf.get('a', options)).rejects.toThrow('callTimeoutMs must be a number of 0 or more');
      await expect(hf.saga().step(DEBIT).submit(options)).rejects.toThrow(TypeError);
      await expect(hf.topics.list({}, options)).rejects.toThrow(TypeError);
      await expect(hf.tcc(() => undefined, options)).rejects.toThrow(TypeError);
      expect(coordinator.requests).toHaveLength(0);
    },
  );

  it('does not fail a message whose local transaction is committed', async () => {
    const { coordinator, hf } = await withCoordinator();
    const barrier = {
      message: async (_gid: string, work: (tx: string) => Promise<unknown>) => {
        const value = await work('tx');
        coordinator.faults.push('unknown-outcome', 'unknown-outcome', 'unknown-outcome', 'hang');
        return value;
      },
      checkBack: () => Promise.resolve('committed'),
    };
    const message = hf.message('a').step('http://bank/credit');
    const sent = message.submitWith(barrier as never, 'http://bank/check', () => 7, { callTimeoutMs: 300 });
    await expect(sent).resolves.toBe(7);
  });
});
