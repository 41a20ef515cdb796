import { SUCCESS } from '@holdfast/protocol';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { BranchConnections, BranchHttpCall } from '../../src/http/branch-connections.ts';
import { exchange } from '../../src/http/exchange.ts';
import type { HttpResponse } from '../../src/http1/response-parser.ts';
import { HttpConnection } from '../../src/http1/http-connection.ts';
import { machine } from '../../src/http1/machine.ts';
import type { HttpRequest } from '../../src/http1/request-bytes.ts';
import { SLICE } from '../../src/event-loop/time-out-in-turns.ts';

const nextTurn = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));

const TIMEOUT_MS = 3_000;
const CALLS = 3 * SLICE;
const request: HttpRequest = { method: 'GET', path: '/', host: 'h', headers: '', body: null };
const response: HttpResponse = { status: 200, body: '', isTruncated: false, word: undefined, mayBeCutOff: false };

describe('deadlines that pass at the same time', () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] }));
  afterEach(async () => {
    vi.useRealTimers();
    await everyTurn();
  });

  it('end a slice of calls per turn of the event loop', async () => {
    const { calls, cancelled } = hangingCalls(CALLS);
    expect(calls).toHaveLength(CALLS);
    vi.advanceTimersByTime(TIMEOUT_MS);
    const perTurn = [cancelled.length];
    while (cancelled.length < CALLS) {
      await nextTurn();
      perTurn.push(cancelled.length);
    }
    expect(perTurn).toEqual([SLICE, 2 * SLICE, 3 * SLICE]);
  });

  it('end a slice per turn again after all of them have ended', async () => {
    hangingCalls(CALLS);
    vi.advanceTimersByTime(TIMEOUT_MS);
    await everyTurn();
    const { cancelled } = hangingCalls(CALLS);
    vi.advanceTimersByTime(TIMEOUT_MS);
    expect(cancelled).toHaveLength(SLICE);
  });

  it('do not affect a call whose response arrives before its turn, nor its connection', async () => {
    const { calls, results, destroyed } = hangingCalls(CALLS);
    vi.advanceTimersByTime(TIMEOUT_MS);
    const last = calls.at(-1);
    last?.sentOver({ destroy: () => destroyed.push('last') });
    last?.responded(response);
    await everyTurn();
    expect(await results.at(-1)).toBe(SUCCESS);
    expect((await results[0])?.kind).toBe('UNKNOWN');
    expect(destroyed).toEqual([]);
  });

  it('end a slice of connection attempts per turn', async () => {
    const closed: string[] = [];
    for (let i = 0; i < CALLS; i++) connecting((error) => closed.push(error?.message ?? ''));
    vi.advanceTimersByTime(TIMEOUT_MS);
    await Promise.resolve();
    await new Promise<void>((resolve) => process.nextTick(resolve));
    expect(closed).toEqual(Array.from({ length: SLICE }, () => `not connected within ${TIMEOUT_MS} ms`));
    await everyTurn();
    expect(closed).toHaveLength(CALLS);
  });
});

/** More turns than the deadlines of one test take. */
async function everyTurn(): Promise<void> {
  for (let turn = 0; turn <= CALLS / SLICE; turn++) await nextTurn();
}

/** Calls that wait for a connection. */
function hangingCalls(count: number) {
  const calls: BranchHttpCall[] = [];
  const cancelled: unknown[] = [];
  const pool: BranchConnections = {
    isDestroyed: false,
    send: (call: BranchHttpCall) => void calls.push(call),
    cancel: (call: BranchHttpCall) => {
      cancelled.push(call);
      call.failed(new Error('cancelled'));
    },
    closeIdle: () => undefined,
    destroy: () => Promise.resolve(),
  };
  const results = Array.from({ length: count }, () =>
    exchange(
      machine.clock,
      pool,
      request,
      TIMEOUT_MS,
      () => SUCCESS,
      () => undefined,
    ),
  );
  return { calls, cancelled, results, destroyed: [] as string[] };
}

/** A connection attempt that waits for the name of its host. */
function connecting(closed: (error: Error | undefined) => void): HttpConnection {
  const unused = (): never => {
    throw new Error('never connected');
  };
  return new HttpConnection(
    { isSecure: false, host: 'example.test', port: 80 },
    { connected: unused, responded: unused, lost: unused, closed: (_, error) => closed(error) },
    { connectTimeoutMs: TIMEOUT_MS, tls: {}, lookUp: () => new Promise(() => undefined) },
    machine,
  );
}
