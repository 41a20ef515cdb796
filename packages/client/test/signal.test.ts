import { getEventListeners, once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { Holdfast } from '../src/holdfast.ts';
import { branch } from '../src/participants/node-http.ts';
import { MemoryBarrier } from '@holdfast/testing/barriers';
import { clientOf, withCoordinator } from './support/with-coordinator.ts';

const URL_OF_NONE = 'http://127.0.0.1:1/none';
/** Longer than a test may take. */
const FOREVER_MS = 600_000;
const delay = (ms: number) => new Promise<void>((resolve) => void setTimeout(resolve, ms));
const never = () => new Promise<never>(() => undefined);

async function serverOf(serve: (request: IncomingMessage, response: ServerResponse) => unknown): Promise<string> {
  const server = createServer((request, response) => void serve(request, response)).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const branchOf = (url: string) => ({ try: url, confirm: null, cancel: null, payload: 1 });

describe('a signal that is aborted', { timeout: 10_000 }, () => {
  const reason = new Error('the customer left');

  it.each([
    [
      'a tcc whose try does not respond',
      async (hf: Holdfast, signal: AbortSignal) => {
        const url = await serverOf(never);
        return hf.tcc((tx) => tx.call(branchOf(url)), { wait: true, signal });
      },
    ],
    [
      'an xa whose branch does not respond',
      async (hf: Holdfast, signal: AbortSignal) => {
        const url = await serverOf(never);
        return hf.xa((tx) => tx.call({ url, payload: 1 }), { wait: true, signal });
      },
    ],
    ['a tcc whose work ignores it', (hf: Holdfast, signal: AbortSignal) => hf.tcc(never, { wait: true, signal })],
    ['an xa whose work ignores it', (hf: Holdfast, signal: AbortSignal) => hf.xa(never, { wait: true, signal })],
    ['a tcc that waits for its end', (hf: Holdfast, signal: AbortSignal) => hf.tcc(() => 0, { wait: true, signal })],
    [
      'a tcc that failed and waits for its end',
      (hf: Holdfast, signal: AbortSignal) => hf.tcc(() => Promise.reject(new Error('no')), { wait: true, signal }),
    ],
    [
      'a saga that waits for its end',
      (hf: Holdfast, signal: AbortSignal) =>
        hf.saga().step({ action: URL_OF_NONE, compensate: null }).submit({ wait: true, signal }),
    ],
    [
      'a message that waits for its end',
      (hf: Holdfast, signal: AbortSignal) => hf.message().step(URL_OF_NONE).submit({ wait: true, signal }),
    ],
  ])('ends %s at once', async (_what, begin) => {
    const { hf } = await withCoordinator({ waitTimeoutMs: FOREVER_MS });
    const hangUp = new AbortController();
    const ended = begin(hf, hangUp.signal);
    setTimeout(() => hangUp.abort(reason), 100);
    await expect(ended).rejects.toBe(reason);
    expect(getEventListeners(hangUp.signal, 'abort')).toEqual([]);
  });

  it.each([
    [
      'a saga',
      (hf: Holdfast, signal: AbortSignal) =>
        hf.saga().step({ action: URL_OF_NONE, compensate: null }).submit({ signal }),
    ],
    ['a tcc', (hf: Holdfast, signal: AbortSignal) => hf.tcc(() => 0, { signal })],
    ['an xa', (hf: Holdfast, signal: AbortSignal) => hf.xa(() => 0, { signal })],
    ['a message', (hf: Holdfast, signal: AbortSignal) => hf.message().step(URL_OF_NONE).submit({ signal })],
    ['a wait', (hf: Holdfast, signal: AbortSignal) => hf.wait('g', { signal })],
    ['a list', (hf: Holdfast, signal: AbortSignal) => hf.list({}, { signal })],
    [
      'a workflow',
      (hf: Holdfast, signal: AbortSignal) =>
        hf.workflow('w', { version: 1, callbackUrl: URL_OF_NONE }, () => 0).run(undefined, { signal }),
    ],
  ])('ends %s at once that repeats its request to a coordinator which is away', async (_what, begin) => {
    const hf = clientOf(URL_OF_NONE, { retryForMs: FOREVER_MS });
    const hangUp = new AbortController();
    const ended = begin(hf, hangUp.signal);
    setTimeout(() => hangUp.abort(reason), 100);
    await expect(ended).rejects.toBe(reason);
    expect(getEventListeners(hangUp.signal, 'abort')).toEqual([]);
  });

  it('ends a tcc at once whose command to cancel is not taken', async () => {
    const { hf, coordinator } = await withCoordinator({ retryForMs: FOREVER_MS });
    const hangUp = new AbortController();
    const ended = hf.tcc(never, { gid: 'left', signal: hangUp.signal });
    await coordinator.seen('POST', '/api/v1/transactions');
    await delay(50);
    await coordinator.close();
    hangUp.abort(reason);
    await expect(ended).rejects.toBe(reason);
  });

  it('ends a message whose local transaction is committed, and its submit is repeated all the same', async () => {
    const { hf, coordinator } = await withCoordinator({ retryForMs: FOREVER_MS });
    const barrier = new MemoryBarrier();
    const hangUp = new AbortController();
    const work = (lines: string[]) => {
      // Their pauses take longer than a delivery is waited for.
      for (let fault = 0; fault < 5; fault++) coordinator.faults.push('unavailable');
      lines.push('paid');
    };
    const ended = hf.message('m').step(URL_OF_NONE).submitWith(barrier, URL_OF_NONE, work, { signal: hangUp.signal });
    await coordinator.seen('POST', '/api/v1/transactions/m/submit');
    hangUp.abort(reason);
    await expect(ended).rejects.toBe(reason);
    while (coordinator.transactions.get('m')?.status !== 'submitted') await delay(10);
  });
});

describe('one signal for many calls', () => {
  const CALLS = 70;

  it('keeps no listener and no other signal when they have ended', async () => {
    const { hf, coordinator } = await withCoordinator();
    coordinator.onSubmit = () => ({ status: 'succeed' });
    const serve = branch(() => 'seat');
    const url = await serverOf(serve);
    const { signal } = new AbortController();
    const order = hf.workflow('w', { version: 1, callbackUrl: URL_OF_NONE }, () => 0);
    const calls = [
      () => hf.saga().step({ action: url, compensate: null }).submit({ wait: true, signal }),
      () => hf.message().step(url).submit({ signal }),
      () => hf.tcc((tx) => tx.call(branchOf(url)), { signal, wait: true }),
      () => hf.xa((tx) => tx.call({ url, payload: 1 }), { signal }),
      () => hf.get('none', { signal }),
      () => hf.list({}, { signal }),
      () => order.run(undefined, { signal }),
    ];
    let most = 0;
    for (let call = 0; call < CALLS; call++) {
      await calls[call % calls.length]?.().catch(() => undefined);
      most = Math.max(most, getEventListeners(signal, 'abort').length);
    }
    // One that is just being removed.
    expect(most).toBeLessThanOrEqual(2);
    await delay(20);
    expect(getEventListeners(signal, 'abort')).toEqual([]);
    expect(dependantsOf(signal)).toBe(0);
  });
});

/** Signals that Node derived from it by `AbortSignal.any`: Node 20 keeps them as long as it. */
function dependantsOf(signal: AbortSignal): number {
  const symbol = Object.getOwnPropertySymbols(signal).find(({ description }) => description === 'kDependantSignals');
  const found = symbol && (signal as unknown as Record<symbol, Set<unknown> | undefined>)[symbol];
  return found?.size ?? 0;
}

describe('the time for retries', { timeout: 10_000 }, () => {
  const held = 300;

  it.each([
    [
      'a submit that waits',
      (hf: Holdfast) =>
        hf
          .saga('g')
          .step({ action: URL_OF_NONE, compensate: null })
          .submit({ wait: { timeoutMs: 4_000 } }),
    ],
    ['a wait', (hf: Holdfast) => hf.wait('g', { timeoutMs: 4_000 })],
    [
      'a submit of a message that waits',
      (hf: Holdfast) =>
        hf
          .message('g')
          .step(URL_OF_NONE)
          .submit({ wait: { timeoutMs: 4_000 } }),
    ],
  ])('of %s does not include the time for which the coordinator held the response back', async (_what, begin) => {
    const { hf, coordinator } = await withCoordinator({ retryForMs: held });
    await hf.saga('g0').step({ action: URL_OF_NONE, compensate: null }).submit();
    const restarted: string[] = [];
    const proxy = await serverOf(async (request, response) => {
      if (restarted.length === 0) {
        restarted.push(request.url ?? '');
        await delay(2 * held);
        request.socket.destroy();
        return;
      }
      const transaction = { ...coordinator.transactions.get('g0'), gid: 'g', status: 'succeed', lastResult: null };
      response.setHeader('content-type', 'application/json').end(JSON.stringify(transaction));
    });
    await expect(begin(clientOf(proxy, { retryForMs: held }))).resolves.toMatchObject({ status: 'succeed' });
    expect(restarted).toHaveLength(1);
  });

  it('includes the time that a request without a wait takes to fail', async () => {
    let requests = 0;
    const url = await serverOf(async (request) => {
      requests++;
      await delay(2 * held);
      request.socket.destroy();
    });
    await expect(clientOf(url, { retryForMs: held }).get('g')).rejects.toMatchObject({ attempts: 1 });
    expect(requests).toBe(1);
  });
});
