import { BranchFailure } from '@holdfast/protocol';
import { describe, expect, it, onTestFinished } from 'vitest';
import { BranchServer } from '@holdfast/testing/participant';
import { CoordinatorUnreachable, TransactionFailed } from '../src/errors.ts';
import { branchServer } from '../src/participants/branch-server.ts';
import { withCoordinator } from './support/with-coordinator.ts';

/** A coordinator with faults on demand, and a participant that records its calls. */
async function withTheatre(options?: Parameters<typeof withCoordinator>[0]) {
  const theatre = await BranchServer.start();
  onTestFinished(() => theatre[Symbol.asyncDispose]());
  const seats = (count: number) => ({
    try: `${theatre.url}/hold`,
    confirm: `${theatre.url}/book`,
    cancel: `${theatre.url}/release`,
    payload: { seats: count },
  });
  const tries = () =>
    theatre.seen.map(({ url }) => `${url.searchParams.get('op')} ${url.searchParams.get('branch_id')}`);
  return { ...(await withCoordinator(options)), theatre, seats, tries };
}

const errorOf = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => 'no error',
    (error: unknown) => error,
  );

describe('a tcc', () => {
  it('is prepared, registers each branch before its try, and is submitted', async () => {
    const { coordinator, hf, theatre, seats } = await withTheatre();
    await hf.tcc((tx) => tx.call(seats(2)), {
      gid: 'evening',
      timeoutToFailMs: 9_000,
      retryIntervalMs: 200,
      requestTimeoutMs: 700,
      branchHeaders: { 'x-tenant': 'a' },
    });
    expect(coordinator.requests.map(({ path }) => path.replace('/api/v1/transactions', ''))).toEqual([
      '',
      '/evening/branches',
      '/evening/submit',
    ]);
    const run = expect.stringMatching(/^[0-9a-f]{24}$/) as string;
    expect(coordinator.requests[2]?.body).toEqual({ branches: ['01'], run });
    expect(coordinator.requests[0]?.body).toEqual({
      gid: 'evening',
      pattern: 'tcc',
      status: 'prepared',
      timeoutToFailMs: 9_000,
      retryIntervalMs: 200,
      requestTimeoutMs: 700,
      branchHeaders: { 'x-tenant': 'a' },
    });
    expect(coordinator.requests[1]?.body).toEqual({
      pattern: 'tcc',
      branchId: '01',
      confirm: `${theatre.url}/book`,
      cancel: `${theatre.url}/release`,
      payload: { seats: 2 },
    });
    expect(theatre.seen).toMatchObject([{ method: 'POST', body: '{"seats":2}', headers: { 'x-tenant': 'a' } }]);
    expect(Object.fromEntries(theatre.seen[0]?.url.searchParams ?? [])).toEqual({
      gid: 'evening',
      trans_type: 'tcc',
      branch_id: '01',
      op: 'try',
      holdfast_run: run,
    });
  });

  it('repeats its requests to the coordinator, but never a try', async () => {
    const { coordinator, hf, seats, tries } = await withTheatre();
    coordinator.faults.push('lost-response', 'none', 'lost-response', 'unavailable', 'none', 'lost-response');
    await hf.tcc((tx) => tx.call(seats(1)));
    expect(coordinator.requests).toHaveLength(7);
    expect(tries()).toEqual(['try 01']);
    expect([...coordinator.transactions.values()]).toMatchObject([{ status: 'submitted' }]);
  });

  it('calls no branch when it could not be prepared', async () => {
    const { coordinator, hf } = await withTheatre({ retryForMs: 0 });
    coordinator.faults.push('lost-request');
    let worked = false;
    await expect(hf.tcc(() => (worked = true))).rejects.toBeInstanceOf(CoordinatorUnreachable);
    expect(worked).toBe(false);
  });

  it('does not call a try whose branch could not be registered', async () => {
    const { coordinator, hf, seats, tries } = await withTheatre({ retryForMs: 0 });
    coordinator.faults.push('none', 'lost-response');
    const failed = errorOf(hf.tcc((tx) => tx.call(seats(1))));
    expect(await failed).toBeInstanceOf(TransactionFailed);
    expect(await failed).toMatchObject({ cause: { code: 'coordinator_unreachable' } });
    expect(tries()).toEqual([]);
  });

  it('is cancelled by a repeated abort of its initiator, with the reason truncated to the limit', async () => {
    const { coordinator, hf } = await withTheatre();
    coordinator.faults.push('none', 'lost-request', 'lost-response');
    const failed = hf.tcc(() => {
      throw new Error('x'.repeat(5_000));
    });
    await expect(failed).rejects.toMatchObject({ code: 'transaction_failed', status: 'aborting' });
    const abort = coordinator.requests.at(-1);
    expect(abort?.body).toMatchObject({ by: 'initiator', reason: expect.stringMatching(/^x{1023}…$/) });
  });

  it('reports, when the abort could not be delivered, that it is cancelled automatically, and the reason', async () => {
    const { coordinator, hf } = await withTheatre({ retryForMs: 0 });
    const reason = new Error('no money');
    for (const fault of ['lost-request', 'html'] as const) {
      coordinator.faults.push('none', fault);
      const error = await errorOf(hf.tcc(() => Promise.reject(reason)));
      expect(error).toBeInstanceOf(CoordinatorUnreachable);
      expect(error).toMatchObject({ cause: reason, message: expect.stringContaining('timeoutToFailMs') });
    }
  });

  it('throws TransactionFailed when it was cancelled by its timeout before the abort arrived', async () => {
    const { coordinator, hf } = await withTheatre();
    const failed = hf.tcc((tx) => {
      coordinator.change(tx.gid, { status: 'failed', rollbackReason: 'Timeout after 35 seconds' });
      throw new Error('no money');
    });
    await expect(failed).rejects.toMatchObject({
      status: 'failed',
      reason: 'Timeout after 35 seconds',
      cause: { message: 'no money' },
    });
  });

  it('is cancelled when a response could not be parsed, even if the error was caught', async () => {
    const { coordinator, hf, seats } = await withTheatre();
    const thrown = new Error('no seat in it');
    const parse = (): never => {
      throw thrown;
    };
    const failed = hf.tcc((tx) => tx.call({ ...seats(1), parse }).catch(() => undefined), { gid: 'unread' });
    await expect(failed).rejects.toMatchObject({ code: 'transaction_failed', cause: thrown });
    expect(coordinator.transactions.get('unread')?.status).toBe('aborting');
  });

  it('is not cancelled when another run under its gid was submitted', async () => {
    const { coordinator, hf } = await withTheatre();
    const thrown = new Error('no money');
    const failed = hf.tcc((tx) => {
      coordinator.change(tx.gid, { status: 'succeed' });
      throw thrown;
    });
    await expect(failed).rejects.toMatchObject({ rejection: 'refused', status: 'succeed', cause: thrown });
  });

  it('is in doubt when the response to its submit is lost, and is not cancelled then', async () => {
    const { coordinator, hf } = await withTheatre({ retryForMs: 0 });
    coordinator.faults.push('none', 'lost-response');
    const error = await errorOf(hf.tcc(() => 'done', { gid: 'doubtful' }));
    expect(error).toMatchObject({ code: 'coordinator_unreachable', gid: 'doubtful' });
    expect((error as Error).message).not.toContain('timeoutToFailMs');
    expect(coordinator.transactions.get('doubtful')?.status).toBe('submitted');
  });

  it('throws TransactionPending when the confirms take longer than the wait', async () => {
    const { hf } = await withTheatre();
    const pending = hf.tcc(() => 'done', { wait: { timeoutMs: 20 } });
    await expect(pending).rejects.toMatchObject({ code: 'transaction_pending', status: 'submitted' });
  });

  it('waits for the cancels with `wait`', async () => {
    const { coordinator, hf } = await withTheatre();
    const failed = hf.tcc(() => Promise.reject(new Error('no')), { gid: 'undone', wait: true });
    await coordinator.seen('GET', '/api/v1/transactions/undone');
    coordinator.change('undone', { status: 'failed' });
    await expect(failed).rejects.toMatchObject({ code: 'transaction_failed', status: 'failed' });
  });

  it('does not start further tries after its work has thrown', async () => {
    const { hf, seats, tries } = await withTheatre();
    const failed = hf.tcc((tx) => {
      void tx.call(seats(1)).catch(() => undefined);
      throw new Error('no');
    });
    await expect(failed).rejects.toMatchObject({ cause: { message: 'no' } });
    expect(tries()).toEqual([]);
  });

  it.each([
    ['submitted', () => 'done'],
    [
      'cancelled',
      () => {
        throw new Error('no');
      },
    ],
  ])('is %s when no call is running any more, also one that its work did not wait for', async (_, end) => {
    const { coordinator, hf, theatre, seats } = await withTheatre();
    const held: (() => void)[] = [];
    const tried = new Promise<void>((resolve) => {
      theatre.respond = (response) => {
        held.push(() => response.end());
        resolve();
      };
    });
    const work = hf.tcc(async (tx) => {
      void tx.call(seats(1));
      await tried;
      return end();
    });
    const ended = errorOf(work);
    await tried;
    // Long enough for a decision to arrive.
    for (let round = 0; round < 3; round++) await hf.list();
    expect(coordinator.requests.filter(({ path }) => /submit|abort/.test(path))).toEqual([]);
    for (const release of held) release();
    await ended;
    expect(coordinator.requests.at(-1)?.path).toMatch(/submit|abort/);
  });

  it('is cancelled when its signal was aborted as its work returned', async () => {
    const { coordinator, hf } = await withTheatre();
    const hangUp = new AbortController();
    const reason = new Error('the customer left');
    const work = hf.tcc(() => hangUp.abort(reason), { gid: 'left', signal: hangUp.signal });
    await expect(work).rejects.toBe(reason);
    expect(coordinator.transactions.get('left')).toMatchObject({ status: 'aborting', rollbackReason: reason.message });
  });

  it('within a try fails that try when the abort of the outer tcc could not be delivered, even if its handler catches the error', async () => {
    const { coordinator, hf } = await withTheatre({ retryForMs: 0 });
    const thrown = new BranchFailure('sold out');
    const query = 'gid=outer&trans_type=tcc&branch_id=01&op=try';
    const serve = branchServer(async () => {
      coordinator.faults.push('lost-request');
      await hf.tcc(() => Promise.reject(thrown)).catch((error: unknown) => expect(error).toBe(thrown));
      return 'never mind';
    }, {});
    const respond = await serve({
      method: 'POST',
      url: `/?${query}`,
      header: () => undefined,
      readBody: () => undefined,
      readBytes: () => new Uint8Array(),
    });
    expect(respond).toMatchObject({ status: 409, text: expect.stringContaining('sold out') });
    expect(coordinator.requests.map(({ path }) => path)).toEqual(['/api/v1/transactions/outer/abort']);
  });

  it('calls 99 branches at most', async () => {
    const { coordinator, hf, seats } = await withTheatre();
    const failed = hf.tcc((tx) => Promise.all(Array.from({ length: 100 }, (_, index) => tx.call(seats(index)))), {
      gid: 'crowd',
    });
    await expect(failed).rejects.toMatchObject({ cause: expect.any(RangeError) });
    expect(coordinator.transactions.get('crowd')?.branches.some(({ branchId }) => branchId === '99')).toBe(true);
  });
});
