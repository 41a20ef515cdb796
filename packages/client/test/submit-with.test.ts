import { describe, expect, it } from 'vitest';
import { RequestRejected, TransactionFailed, TransactionPending } from '../src/errors.ts';
import { MemoryBarrier } from '@holdfast/testing/barriers';
import { withCoordinator } from './support/with-coordinator.ts';

const CREDIT_URL = 'http://bank-b/credit';
const CHECK_URL = 'http://bank-a/check';

async function withBank(options?: Parameters<typeof withCoordinator>[0]) {
  const barrier = new MemoryBarrier();
  const { coordinator, hf } = await withCoordinator(options);
  const message = hf.message('m-1').step(CREDIT_URL, { amount: 30 });
  const debit = (tx: string[]) => {
    tx.push('debit 30');
    return 'receipt';
  };
  const send = () => message.submitWith(barrier, CHECK_URL, debit);
  const status = () => coordinator.transactions.get('m-1')?.status;
  const paths = () => coordinator.requests.map(({ path }) => path.replace('/api/v1/transactions', ''));
  return { barrier, coordinator, hf, message, debit, send, status, paths };
}

const errorOf = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => 'no error',
    (error: unknown) => error,
  );

describe('a message with a local transaction', () => {
  it('is prepared, committed and submitted, and resolves to the value of the work', async () => {
    const { barrier, coordinator, send, status, paths } = await withBank();
    await expect(send()).resolves.toBe('receipt');
    expect(paths()).toEqual(['', '/m-1/submit']);
    expect(coordinator.requests[0]?.body).toEqual({
      gid: 'm-1',
      pattern: 'msg',
      status: 'prepared',
      queryPrepared: CHECK_URL,
      steps: [{ action: CREDIT_URL, payload: { amount: 30 } }],
    });
    expect(barrier.lines).toEqual(['debit 30']);
    expect(status()).toBe('submitted');
  });

  it('commits nothing when it could not be prepared', async () => {
    const { barrier, coordinator, send } = await withBank({ retryForMs: 0 });
    coordinator.faults.push('lost-response');
    await expect(send()).rejects.toMatchObject({ code: 'coordinator_unreachable' });
    expect(barrier.lines).toEqual([]);
    // The coordinator did prepare the message, as the second call shows.
    await expect(send()).resolves.toBe('receipt');
  });

  it('is aborted when the local transaction is rolled back, and rejects with the error of the work', async () => {
    const { barrier, coordinator, message, status } = await withBank();
    const thrown = new Error('the account holds too little');
    const sent = message.submitWith(barrier, CHECK_URL, (tx) => {
      tx.push('debit 30');
      throw thrown;
    });
    await expect(sent).rejects.toBe(thrown);
    expect(barrier.lines).toEqual([]);
    expect(status()).toBe('failed');
    expect(coordinator.requests.at(-1)?.body).toEqual({ reason: thrown.message, by: 'initiator' });
  });

  it.each([{}, { wait: true as const }])(
    'is sent when its work committed implicitly before it threw, and reports it: %j',
    async (options) => {
      const { barrier, coordinator, message, status } = await withBank();
      const thrown = new Error('no such column');
      const sent = message.submitWith(
        barrier,
        CHECK_URL,
        (tx) => {
          tx.push('debit 30');
          barrier.commitNow();
          throw thrown;
        },
        options,
      );
      const error = await errorOf(sent);
      expect(error).toBeInstanceOf(RequestRejected);
      expect(error).toMatchObject({ rejection: 'refused', gid: 'm-1', status: 'submitted', cause: thrown });
      expect(status()).toBe('submitted');
      expect(barrier.lines).toEqual(['debit 30']);
      expect(coordinator.requests.map(({ path }) => path).filter((path) => path.includes('abort'))).toEqual([]);
    },
  );

  it('is not aborted by a second run that fails before its work, when the first one committed', async () => {
    const { barrier, coordinator, hf, debit, send, status } = await withBank({ retryForMs: 0 });
    coordinator.faults.push('none', 'lost-request');
    await send();
    const unreachable = new Error('too many connections');
    const refusing: Pick<MemoryBarrier, 'message' | 'checkBack'> = {
      message: () => Promise.reject(unreachable),
      checkBack: (gid) => barrier.checkBack(gid),
    };
    const again = hf.message('m-1').step(CREDIT_URL, { amount: 30 }).submitWith(refusing, CHECK_URL, debit);
    await expect(again).rejects.toMatchObject({ status: 'submitted', cause: unreachable });
    expect(status()).toBe('submitted');
  });

  it('throws TransactionPending when its work threw and the barrier cannot be queried: the work may have committed implicitly', async () => {
    const { barrier, message, status, paths } = await withBank();
    const thrown = new Error('connection lost');
    const sent = message.submitWith(barrier, CHECK_URL, () => {
      barrier.away = true;
      throw thrown;
    });
    const error = await errorOf(sent);
    expect(error).toBeInstanceOf(TransactionPending);
    expect((error as { cause: AggregateError }).cause.errors).toContain(thrown);
    expect(paths()).toEqual(['']);
    expect(status()).toBe('prepared');
  });

  it.each(['lost-request', 'html'] as const)(
    'rejects with the error of the work even if the coordinator cannot be notified (%s): the check-back will find nothing committed',
    async (fault) => {
      const { barrier, coordinator, message, send, status } = await withBank({ retryForMs: 0 });
      coordinator.faults.push('none', fault);
      const thrown = new Error('the account holds too little');
      await expect(message.submitWith(barrier, CHECK_URL, () => Promise.reject(thrown))).rejects.toBe(thrown);
      expect(status()).toBe('prepared');
      await expect(barrier.checkBack('m-1')).resolves.toBe('refused');
      await expect(send()).rejects.toBeInstanceOf(TransactionFailed);
      expect(barrier.lines).toEqual([]);
    },
  );

  it('queries the barrier when the response to the commit was lost, and is submitted if the commit happened', async () => {
    const { barrier, send, status } = await withBank();
    barrier.faults.push('lost-response');
    await expect(send()).resolves.toBe('receipt');
    expect(barrier.lines).toEqual(['debit 30']);
    expect(status()).toBe('submitted');
  });

  it('is submitted when its transaction had ended before the commit, with an implicit commit', async () => {
    const { barrier, send, status } = await withBank();
    barrier.faults.push('ended-before');
    await expect(send()).resolves.toBe('receipt');
    expect(barrier.lines).toEqual(['debit 30']);
    expect(status()).toBe('submitted');
  });

  it('is aborted when the response to the commit was lost and the commit did not happen and never will', async () => {
    const { barrier, send, status } = await withBank();
    barrier.faults.push('lost-commit');
    const error = await errorOf(send());
    expect(error).toBeInstanceOf(TransactionFailed);
    expect(error).toMatchObject({ gid: 'm-1', cause: { code: 'commit_unknown' } });
    expect(barrier.rows.get('m-1')).toBe('refused');
    expect(status()).toBe('failed');
  });

  it.each(['lost-response', 'lost-commit'] as const)(
    'throws TransactionPending, neither submitted nor aborted, when the barrier cannot be queried either: %s',
    async (fault) => {
      const { barrier, message, debit, status, paths } = await withBank();
      barrier.faults.push(fault);
      const sent = message.submitWith(barrier, CHECK_URL, (tx) => {
        barrier.away = true;
        return debit(tx);
      });
      const error = await errorOf(sent);
      expect(error).toBeInstanceOf(TransactionPending);
      expect(error).toMatchObject({ gid: 'm-1', status: 'prepared', reason: expect.stringContaining('away') });
      expect(paths()).toEqual(['']);
      expect(status()).toBe('prepared');
    },
  );

  it('throws TransactionFailed when the check-back came before the local transaction committed', async () => {
    const { barrier, coordinator, message, debit, status } = await withBank();
    const sent = message.submitWith(barrier, CHECK_URL, async (tx) => {
      await barrier.checkBack('m-1');
      coordinator.change('m-1', { status: 'failed' });
      return debit(tx);
    });
    await expect(sent).rejects.toMatchObject({
      code: 'transaction_failed',
      reason: expect.stringContaining('checked back before'),
      cause: { code: 'local_transaction_refused' },
    });
    expect(barrier.lines).toEqual([]);
    expect(status()).toBe('failed');
  });

  it('resolves once the local transaction is committed, also when the submit does not arrive', async () => {
    const { coordinator, send, status } = await withBank({ retryForMs: 0 });
    coordinator.faults.push('none', 'lost-request');
    await expect(send()).resolves.toBe('receipt');
    expect(status()).toBe('prepared');
  });

  it('throws TransactionPending in that case for a caller who waits', async () => {
    const { barrier, coordinator, message, debit } = await withBank({ retryForMs: 0 });
    coordinator.faults.push('none', 'lost-request');
    const sent = message.submitWith(barrier, CHECK_URL, debit, { wait: true });
    await expect(sent).rejects.toMatchObject({
      code: 'transaction_pending',
      status: 'prepared',
      cause: { code: 'coordinator_unreachable' },
    });
  });

  it('is submitted although the signal was aborted during the commit; only the wait ends', async () => {
    const { barrier, message, debit, status } = await withBank();
    const hangUp = new AbortController();
    const reason = new Error('the customer left');
    const work = (tx: string[]) => {
      queueMicrotask(() => hangUp.abort(reason));
      return debit(tx);
    };
    await expect(message.submitWith(barrier, CHECK_URL, work, { wait: true, signal: hangUp.signal })).rejects.toBe(
      reason,
    );
    expect(status()).toBe('submitted');
  });

  it('does not start its local transaction when the signal was aborted before, and is aborted', async () => {
    const { barrier, coordinator, message, debit, status } = await withBank();
    const hangUp = new AbortController();
    const reason = new Error('the customer left');
    const message1 = barrier.message.bind(barrier);
    barrier.message = (gid, work) => {
      hangUp.abort(reason);
      return message1(gid, work);
    };
    await expect(message.submitWith(barrier, CHECK_URL, debit, { signal: hangUp.signal })).rejects.toBe(reason);
    expect(barrier.lines).toEqual([]);
    expect(status()).toBe('failed');
    expect(coordinator.requests).toHaveLength(2);
  });

  it('is submitted for a process that crashed between commit and submit, and reports that it was sent before', async () => {
    const { barrier, coordinator, hf, message, debit, send, status } = await withBank({ retryForMs: 0 });
    coordinator.faults.push('none', 'lost-request');
    await send();
    const again = hf.message('m-1').step(CREDIT_URL, { amount: 30 }).submitWith(barrier, CHECK_URL, debit);
    await expect(again).rejects.toMatchObject({ rejection: 'refused', status: 'submitted', gid: 'm-1' });
    expect(status()).toBe('submitted');
    expect(barrier.lines).toEqual(['debit 30']);
    await expect(message.submitWith(barrier, CHECK_URL, debit)).rejects.toMatchObject({ rejection: 'refused' });
    expect(barrier.lines).toEqual(['debit 30']);
  });

  it('reports a wrong check-back that caused it to be sent although nothing was committed', async () => {
    const { barrier, coordinator, message } = await withBank();
    const thrown = new Error('the account holds too little');
    const sent = message.submitWith(barrier, CHECK_URL, () => {
      coordinator.change('m-1', { status: 'succeed' });
      throw thrown;
    });
    await expect(sent).rejects.toMatchObject({ code: 'request_rejected', status: 'succeed', cause: thrown });
  });

  it('does not claim that nothing remains when it was aborted although its local transaction was committed', async () => {
    for (const options of [{}, { wait: true }]) {
      const { barrier, hf, message, debit } = await withBank();
      const sent = message.submitWith(
        barrier,
        CHECK_URL,
        async (tx) => {
          await hf.abort('m-1', { reason: 'an operator gave it up' });
          return debit(tx);
        },
        options,
      );
      const error = await errorOf(sent);
      expect(error).toBeInstanceOf(RequestRejected);
      expect(error).toMatchObject({ rejection: 'refused', gid: 'm-1', status: 'failed' });
      expect((error as RequestRejected).message).toMatch(/although its local transaction was committed/);
      expect((error as RequestRejected).cause).toBeInstanceOf(TransactionFailed);
      expect(barrier.lines).toEqual(['debit 30']);
    }
  });

  it('waits until the message is finished with `wait`', async () => {
    const { barrier, coordinator, message, debit } = await withBank();
    const sent = message.submitWith(barrier, CHECK_URL, debit, { wait: true });
    await coordinator.seen('GET', '/api/v1/transactions/m-1');
    coordinator.change('m-1', { status: 'succeed' });
    await expect(sent).resolves.toBe('receipt');
  });
});
