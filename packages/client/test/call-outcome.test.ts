import { getEventListeners } from 'node:events';
import { type CoordinatorUnreachable, DeadlineExceeded } from '@holdfast/client';
import { describe, expect, it } from 'vitest';
import type { Saga } from '../src/saga.ts';
import { clientOf, withCoordinator } from './support/with-coordinator.ts';

const DEBIT = { action: 'http://bank/debit', compensate: 'http://bank/refund' };
const NOW = { retryForMs: 0 };

const thrownBy = (call: Promise<unknown>): Promise<unknown> =>
  call.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );

describe('the outcome that an error states', () => {
  it("is 'not_started' if no request of the call was sent", async () => {
    const { coordinator, hf } = await withCoordinator({ retryForMs: 100 });
    await coordinator.close();
    const refused = { code: 'coordinator_unreachable', outcome: 'not_started' };
    await expect(hf.saga('a').step(DEBIT).submit()).rejects.toMatchObject(refused);
    await hf.close();
    await expect(hf.saga('a').step(DEBIT).submit()).rejects.toMatchObject(refused);
  });

  it.each(['lost-request', 'lost-response', 'unavailable'] as const)(
    "is 'unknown' if the coordinator may have received the request (%s)",
    async (fault) => {
      const { coordinator, hf } = await withCoordinator(NOW);
      coordinator.faults.push(fault);
      const lost = { code: 'coordinator_unreachable', outcome: 'unknown' };
      await expect(hf.saga('a').step(DEBIT).submit()).rejects.toMatchObject(lost);
    },
  );

  it("is 'unknown' after a response that is not a coordinator's", async () => {
    const { coordinator, hf } = await withCoordinator(NOW);
    coordinator.faults.push('html');
    const foreign = { code: 'unexpected_response', outcome: 'unknown' };
    await expect(hf.saga('a').step(DEBIT).submit()).rejects.toMatchObject(foreign);
  });

  it("is 'unknown' if an earlier submit of the same object may have been carried out", async () => {
    const { coordinator, hf } = await withCoordinator(NOW);
    const saga = hf.saga('a').step(DEBIT);
    coordinator.faults.push('unknown-outcome', 'not-started');
    await expect(saga.submit()).rejects.toMatchObject({ outcome: 'unknown' });
    await expect(saga.submit()).rejects.toMatchObject({ code: 'deadline_exceeded', outcome: 'unknown' });
  });

  it("is 'unknown' for the submit of a message that is prepared", async () => {
    const { coordinator, hf } = await withCoordinator(NOW);
    const message = await hf.message('a').step('http://bank/credit').prepare('http://bank/check');
    coordinator.faults.push('not-started');
    await expect(message.submit()).rejects.toMatchObject({ code: 'deadline_exceeded', outcome: 'unknown' });
  });

  it("is 'unknown' for a tcc whose tries were called", async () => {
    const { coordinator, hf } = await withCoordinator(NOW);
    coordinator.faults.push('none', 'not-started');
    const begun = hf.tcc(() => undefined, { gid: 'a' });
    await expect(begun).rejects.toMatchObject({ code: 'deadline_exceeded', outcome: 'unknown', gid: 'a' });
    coordinator.faults.push('not-started');
    const notBegun = hf.tcc(() => undefined, { gid: 'b' });
    await expect(notBegun).rejects.toMatchObject({ code: 'deadline_exceeded', outcome: 'not_started', gid: 'b' });
  });

  it("is 'unknown' for a workflow that exists, although only a read was late", async () => {
    const { coordinator, hf } = await withCoordinator({ ...NOW, callbackUrl: 'http://here/workflows' });
    const workflow = hf.workflow('order', { version: 1 }, () => Promise.resolve());
    coordinator.faults.push('not-started');
    await expect(workflow.run(undefined, { gid: 'b' })).rejects.toMatchObject({ outcome: 'not_started' });
    coordinator.faults.push('none', 'not-started');
    await expect(workflow.run(undefined, { gid: 'a' })).rejects.toMatchObject({ outcome: 'unknown' });
  });

  it("is 'unknown' if the gid was found to exist, although only a read was late", async () => {
    const { coordinator, hf } = await withCoordinator();
    coordinator.onSubmit = () => ({ status: 'succeed' });
    const message = hf.message('a').step('http://bank/credit');
    await message.submit();
    coordinator.faults.push('lost-response', 'none', 'hang');
    const prepared = message.prepare('http://bank/check', { callTimeoutMs: 600 });
    await expect(prepared).rejects.toMatchObject({ code: 'deadline_exceeded', outcome: 'unknown' });
  });

  it("is 'unknown' for an abort whose response was lost, and the call ends in time", async () => {
    const { coordinator, hf } = await withCoordinator();
    await hf.saga('a').step(DEBIT).submit();
    coordinator.faults.push('lost-response', 'none', 'hang');
    coordinator.change('a', { status: 'failed' });
    const aborted = hf.abort('a', { callTimeoutMs: 600 });
    await expect(aborted).rejects.toMatchObject({ code: 'deadline_exceeded', outcome: 'unknown' });
  });
});

describe('a wait whose time ends while the coordinator does not respond', () => {
  const pending = { code: 'transaction_pending', gid: 'a', status: 'submitted' };

  it('ends with the last known state of a submitted transaction', async () => {
    const { coordinator, hf } = await withCoordinator();
    const submit = (saga: Saga) => saga.submit({ wait: true, callTimeoutMs: 600 });
    coordinator.faults.push('no-wait', 'hang');
    await expect(submit(hf.saga('a').step(DEBIT))).rejects.toMatchObject(pending);
  });

  it('ends with the last known state of a transaction that is waited for', async () => {
    const { coordinator, hf } = await withCoordinator();
    await hf.saga('a').step(DEBIT).submit();
    coordinator.faults.push('no-wait', 'hang', 'no-wait', 'hang');
    await expect(hf.wait('a', { callTimeoutMs: 600 })).rejects.toMatchObject(pending);
    await expect(hf.finished('a', { callTimeoutMs: 600 })).rejects.toMatchObject(pending);
  });

  it("states that the outcome is unknown if the client's time for retries ends the wait", async () => {
    const { coordinator, hf } = await withCoordinator({ requestTimeoutMs: 100, retryForMs: 0 });
    coordinator.faults.push('no-wait', 'lost-request');
    const submitted = hf
      .saga('a')
      .step(DEBIT)
      .submit({ wait: { timeoutMs: 3_000 } });
    await expect(submitted).rejects.toMatchObject({ code: 'coordinator_unreachable', outcome: 'unknown' });
  });
});

it('an error of a late call has the same text in its message and in its stack', async () => {
  const { hf } = await withCoordinator();
  const error = (await thrownBy(hf.get('a', { callTimeoutMs: 0 }))) as CoordinatorUnreachable;
  expect(error).toBeInstanceOf(DeadlineExceeded);
  expect(error.message).toMatch(/^The request about transaction a .* was not completed in time/);
  expect(error.stack).toContain(error.message);
});

it('a call whose body is not JSON leaves no listener behind', async () => {
  const { coordinator } = await withCoordinator();
  const hf = clientOf(coordinator.url);
  const { signal } = new AbortController();
  const options = { reason: 1n as never, signal, callTimeoutMs: 60_000 };
  await expect(hf.abort('a', options)).rejects.toThrow(TypeError);
  expect(getEventListeners(signal, 'abort')).toEqual([]);
});
