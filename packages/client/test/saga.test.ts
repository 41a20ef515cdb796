import { describe, expect, it } from 'vitest';
import {
  CoordinatorUnreachable,
  RequestRejected,
  TransactionFailed,
  TransactionStopped,
  TransactionPending,
} from '../src/errors.ts';
import { clientOf, withCoordinator } from './support/with-coordinator.ts';

const DEBIT = { action: 'http://bank-a/debit', compensate: 'http://bank-a/refund', payload: { amount: 30 } };
const CREDIT = { action: 'http://bank-b/credit', compensate: 'http://bank-b/revoke', payload: { amount: 30 } };

describe('submitting a saga', () => {
  it('sends steps and options in the API’s format', async () => {
    const { coordinator, hf } = await withCoordinator();
    await hf
      .saga('transfer-1')
      .step({ ...DEBIT, requestTimeoutMs: 500 })
      .step({ ...CREDIT, after: [0] })
      .concurrent()
      .options({ retryIntervalMs: 200, timeoutToFailMs: 60_000, retryLimit: 3 })
      .options({ branchHeaders: { authorization: 'secret' } })
      .submit();
    expect(coordinator.requests).toMatchObject([{ method: 'POST', path: '/api/v1/transactions', query: {} }]);
    expect(coordinator.requests[0]?.body).toEqual({
      gid: 'transfer-1',
      pattern: 'saga',
      steps: [
        { ...DEBIT, requestTimeoutMs: 500 },
        { ...CREDIT, after: [0] },
      ],
      concurrent: true,
      retryIntervalMs: 200,
      timeoutToFailMs: 60_000,
      retryLimit: 3,
      branchHeaders: { authorization: 'secret' },
    });
  });

  it('resolves immediately without `wait`, although the saga still runs', async () => {
    const { hf } = await withCoordinator();
    const saga = hf.saga().step(DEBIT);
    await expect(saga.submit()).resolves.toMatchObject({ gid: saga.gid, status: 'submitted' });
  });

  it('resolves with `wait` when the saga has succeeded', async () => {
    const { coordinator, hf } = await withCoordinator();
    const saga = hf.saga().step(DEBIT);
    const submitted = saga.submit({ wait: true });
    await coordinator.seen('POST', '/api/v1/transactions');
    coordinator.change(saga.gid, { status: 'succeed' });
    await expect(submitted).resolves.toMatchObject({ status: 'succeed' });
  });

  it('throws TransactionFailed with the message of the branch that failed', async () => {
    const { coordinator, hf } = await withCoordinator();
    const rollbackReason = '{"dtm_result":"FAILURE","message":"the card was declined"}';
    coordinator.onSubmit = () => ({ status: 'failed', rollbackReason });
    const failure: unknown = await hf
      .saga('declined')
      .step(DEBIT)
      .submit({ wait: true })
      .catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(TransactionFailed);
    expect(failure).toMatchObject({ gid: 'declined', status: 'failed', reason: 'the card was declined' });
    await expect((failure as TransactionFailed).details()).resolves.toMatchObject({ gid: 'declined', rollbackReason });
  });

  it('throws TransactionStopped, which is not a TransactionFailed, when an operator force-stopped the saga', async () => {
    const { coordinator, hf } = await withCoordinator();
    coordinator.onSubmit = () => ({ status: 'failed', stopped: 'INC-42' });
    const thrown: unknown = await hf
      .saga('stopped')
      .step(DEBIT)
      .submit({ wait: true })
      .catch((error: unknown) => error);
    expect(thrown).toBeInstanceOf(TransactionStopped);
    expect(thrown).not.toBeInstanceOf(TransactionFailed);
    expect(thrown).toMatchObject({ code: 'transaction_stopped', gid: 'stopped', reason: 'INC-42' });
    await expect(hf.wait('stopped')).rejects.toThrow(TransactionStopped);
  });

  it('throws TransactionFailed, not TransactionPending, when the rollback still runs at the end of the wait', async () => {
    const { coordinator, hf } = await withCoordinator();
    coordinator.onSubmit = () => ({ status: 'aborting', rollbackReason: 'no' });
    const submitted = hf
      .saga()
      .step(DEBIT)
      .submit({ wait: { timeoutMs: 20 } });
    await expect(submitted).rejects.toMatchObject({ code: 'transaction_failed', status: 'aborting', reason: 'no' });
  });

  it('throws TransactionPending, with the reason, when the wait times out', async () => {
    const { coordinator, hf } = await withCoordinator();
    const call = {
      kind: 'call',
      atMs: 1,
      durationMs: 1,
      branchId: '01',
      op: 'action',
      attempt: 1,
      retryAtMs: 2,
    } as const;
    coordinator.onSubmit = () => ({ timeline: [{ ...call, result: 'UNKNOWN', reason: 'connection refused' }] });
    const submitted = hf
      .saga('slow')
      .step(DEBIT)
      .submit({ wait: { timeoutMs: 30 } });
    await expect(submitted).rejects.toBeInstanceOf(TransactionPending);
    const expected = { gid: 'slow', status: 'submitted', reason: 'connection refused' };
    await expect(submitted).rejects.toMatchObject(expected);
    await expect(hf.wait('slow', { timeoutMs: 30 })).rejects.toMatchObject(expected);
  });

  it('names the invalid field of a request', async () => {
    const { hf } = await withCoordinator();
    const submitted = hf.saga().step({ action: '', compensate: null }).submit();
    await expect(submitted).rejects.toMatchObject({ rejection: 'invalid', field: 'steps.0.action' });
    await expect(submitted).rejects.toBeInstanceOf(RequestRejected);
  });

  it('throws for a step without a compensation in code that no compiler checked', async () => {
    const { hf } = await withCoordinator();
    const incomplete: object = { action: DEBIT.action };
    expect(() => hf.saga().step(incomplete as typeof DEBIT)).toThrow(/a branch is missing/);
  });

  it('resolves to the outcome of the transaction with its gid', async () => {
    const { coordinator, hf } = await withCoordinator();
    coordinator.onSubmit = () => ({ status: 'succeed' });
    await hf.saga('order-1').step(DEBIT).submit();
    await expect(hf.saga('order-1').step(DEBIT).submit()).resolves.toMatchObject({ status: 'succeed' });

    coordinator.onSubmit = () => ({ status: 'failed', rollbackReason: 'no money' });
    await expect(hf.saga('order-2').step(DEBIT).submit()).rejects.toBeInstanceOf(TransactionFailed);
    await expect(hf.saga('order-2').step(DEBIT).submit()).rejects.toMatchObject({ reason: 'no money' });
  });

  it('rejects a gid that is in use with other steps', async () => {
    const { coordinator, hf } = await withCoordinator();
    coordinator.onSubmit = () => ({ status: 'succeed' });
    await hf.saga('order-1').step(DEBIT).submit();
    const other = hf
      .saga('order-1')
      .step({ ...DEBIT, action: 'http://other/' })
      .submit();
    await expect(other).rejects.toMatchObject({ rejection: 'exists', status: 'succeed' });
    await expect(other).rejects.toThrow('choose another gid');
  });

  it('rejects with the reason of its signal', async () => {
    const { coordinator, hf } = await withCoordinator();
    const hangUp = new AbortController();
    const submitted = hf.saga().step(DEBIT).submit({ wait: true, signal: hangUp.signal });
    await coordinator.seen('POST', '/api/v1/transactions');
    const reason = new Error('the customer left');
    hangUp.abort(reason);
    await expect(submitted).rejects.toBe(reason);
  });
});

describe('a submit whose response is lost', () => {
  it.each(['lost-request', 'lost-response', 'unavailable'] as const)(
    'is repeated under the same gid: %s',
    async (fault) => {
      const { coordinator, hf } = await withCoordinator();
      coordinator.faults.push(fault, fault);
      await expect(hf.saga().step(DEBIT).submit()).resolves.toMatchObject({ status: 'submitted' });
      const gids = coordinator.requests.map((request) => (request.body as { gid: string }).gid);
      expect(gids).toHaveLength(3);
      expect(new Set(gids).size).toBe(1);
    },
  );

  it('succeeds when the transaction has already succeeded, although the coordinator rejects the repetition', async () => {
    const { coordinator, hf } = await withCoordinator();
    coordinator.onSubmit = () => ({ status: 'succeed' });
    coordinator.faults.push('lost-response');
    await expect(hf.saga().step(DEBIT).submit()).resolves.toMatchObject({ status: 'succeed' });
    expect(coordinator.transactions.size).toBe(1);
  });

  it('succeeds when the repetition is rejected by a rule that was changed in between', async () => {
    const { coordinator, hf } = await withCoordinator();
    coordinator.faults.push('lost-response', 'not-allowed');
    await expect(hf.saga().step(DEBIT).submit()).resolves.toMatchObject({ status: 'submitted' });
  });

  it.each([
    ['the first request was not handled', ['lost-request', 'not-allowed']],
    ['it was not repeated', ['not-allowed']],
  ] as const)('is rejected by a rule if %s', async (_, faults) => {
    const { coordinator, hf } = await withCoordinator();
    coordinator.faults.push(...faults);
    await expect(hf.saga().step(DEBIT).submit()).rejects.toMatchObject({ rejection: 'invalid' });
    expect(coordinator.transactions.size).toBe(0);
  });

  it('throws TransactionFailed when the transaction has already been rolled back', async () => {
    const { coordinator, hf } = await withCoordinator();
    coordinator.onSubmit = () => ({ status: 'failed', rollbackReason: 'sold out' });
    coordinator.faults.push('lost-response');
    const submitted = hf.saga().step(DEBIT).submit({ wait: true });
    await expect(submitted).rejects.toMatchObject({ code: 'transaction_failed', reason: 'sold out' });
  });

  it('does not mistake a transaction of the same gid with other steps for its own', async () => {
    const { coordinator, hf } = await withCoordinator();
    coordinator.onSubmit = () => ({ status: 'succeed' });
    await hf.saga('order-1').step(DEBIT).submit();
    coordinator.faults.push('lost-request');
    const other = hf.saga('order-1').step(CREDIT).submit();
    await expect(other).rejects.toMatchObject({ rejection: 'exists', gid: 'order-1' });
  });

  it('throws CoordinatorUnreachable after the time for retries, and may be submitted again', async () => {
    const { coordinator, hf } = await withCoordinator({ retryForMs: 0 });
    coordinator.onSubmit = () => ({ status: 'succeed' });
    coordinator.faults.push('lost-response');
    const saga = hf.saga().step(DEBIT);
    const unreachable: unknown = await saga.submit({ wait: true }).catch((error: unknown) => error);
    expect(unreachable).toBeInstanceOf(CoordinatorUnreachable);
    expect(unreachable).toMatchObject({ gid: saga.gid, url: coordinator.url });
    await expect(saga.submit({ wait: true })).resolves.toMatchObject({ status: 'succeed' });
  });
});

describe('a coordinator that cannot be reached', () => {
  it('causes CoordinatorUnreachable, and a connection that was never made puts no gid in doubt', async () => {
    const { coordinator, hf } = await withCoordinator();
    coordinator.onSubmit = () => ({ status: 'succeed' });
    await hf.saga('order-1').step(DEBIT).submit();
    const port = Number(new URL(coordinator.url).port);
    await coordinator.close();
    // If the gid were in doubt, the submit would mistake the existing transaction for its own.
    const again = clientOf(coordinator.url, { retryForMs: 10_000 })
      .message('order-1')
      .step('http://bank/')
      .prepare('http://bank/check');
    const refused = clientOf(coordinator.url, { retryForMs: 0 }).saga().step(DEBIT).submit();
    await expect(refused).rejects.toBeInstanceOf(CoordinatorUnreachable);
    await coordinator.listen(port);
    await expect(again).rejects.toMatchObject({ rejection: 'refused', status: 'succeed' });
  });

  it('is retried as long as the caller waits for the transaction', async () => {
    const { coordinator, hf } = await withCoordinator({ retryForMs: 0 });
    const saga = hf.saga().step(DEBIT);
    await saga.submit();
    const waiting = hf.wait(saga.gid, { timeoutMs: 20_000 });
    await coordinator.seen('GET', `/api/v1/transactions/${saga.gid}`);
    const port = Number(new URL(coordinator.url).port);
    await coordinator.close();
    coordinator.change(saga.gid, { status: 'succeed' });
    await coordinator.listen(port);
    await expect(waiting).resolves.toMatchObject({ status: 'succeed' });
  });

  it('is distinguished from another server at its URL', async () => {
    const { coordinator, hf } = await withCoordinator();
    coordinator.faults.push('html', 'defect');
    const saga = hf.saga().step(DEBIT);
    await expect(saga.submit()).rejects.toMatchObject({ code: 'unexpected_response', httpStatus: 200, gid: saga.gid });
    await expect(saga.submit()).rejects.toMatchObject({ code: 'unexpected_response', httpStatus: 500 });
  });
});
