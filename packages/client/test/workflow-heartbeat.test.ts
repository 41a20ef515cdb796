import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { ApiResponse, Api, ApiCall } from '../src/api/api.ts';
import { RequestRejected, UnexpectedResponse } from '../src/errors.ts';
import { Heartbeats } from '../src/workflow/heartbeats.ts';
import { clientOf } from './support/with-coordinator.ts';

const PERIOD_MS = 1_000;
/** Periods between the last record or heartbeat and the callback. */
const PERIODS_TO_CALLBACK = 3;
const HOUR_MS = 3_600_000;

const TAKEN: Promise<ApiResponse<void>> = Promise.resolve({ ok: true, value: undefined });

/** A coordinator that only counts heartbeats, with the given response to them. */
class Coordinator {
  received = 0;
  atOnce = 0;
  mostAtOnce = 0;
  response: (signal: AbortSignal | undefined) => Promise<ApiResponse<void>> = () => TAKEN;

  readonly api = {
    sendHeartbeat: async (_input: object, { signal }: ApiCall): Promise<ApiResponse<void>> => {
      this.received++;
      this.mostAtOnce = Math.max(this.mostAtOnce, ++this.atOnce);
      try {
        return await this.response(signal);
      } finally {
        this.atOnce--;
      }
    },
    getWorkflowProgress: () => Promise.resolve({ ok: true, value: { heartbeatMs: this.heartbeatMs } }),
    registerBranch: () => Promise.resolve({ ok: true, value: undefined }),
  } as unknown as Api;

  heartbeatMs: number | undefined = PERIOD_MS;
}

const rejected = (gid: string | undefined): Promise<ApiResponse<void>> =>
  Promise.resolve({
    ok: false,
    rejection: new RequestRejected('not_found', 'nothing there', { gid }),
    repeated: false,
  });

describe('heartbeats of a run', () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] }));
  afterEach(() => void vi.useRealTimers());

  async function begin(coordinator: Coordinator, all = new Heartbeats(coordinator.api), limitMs = HOUR_MS) {
    const heartbeat = all.begin('g', limitMs);
    await heartbeat.api.getWorkflowProgress({ gid: 'g' }, {});
    return heartbeat;
  }

  it('are sent once in a period from the coordinator that states one, until the run ends (HB1, HB2)', async () => {
    const coordinator = new Coordinator();
    const heartbeat = await begin(coordinator);
    await vi.advanceTimersByTimeAsync(10 * PERIOD_MS);
    expect(coordinator.received).toBe(10);
    heartbeat.stop();
    await vi.advanceTimersByTimeAsync(10 * PERIOD_MS);
    expect(coordinator.received).toBe(10);
  });

  it('are not sent while steps are recorded more often than that', async () => {
    const coordinator = new Coordinator();
    const { api } = await begin(coordinator);
    for (let i = 0; i < 20; i++) {
      await vi.advanceTimersByTimeAsync(PERIOD_MS / 2);
      await api.registerBranch(
        { gid: 'g', body: { pattern: 'workflow', branchId: `${i}`, op: 'action', status: 'succeed' } },
        {},
      );
    }
    expect(coordinator.received).toBe(0);
  });

  it('are not sent to a coordinator that states no period (HB3)', async () => {
    const coordinator = new Coordinator();
    coordinator.heartbeatMs = undefined;
    await begin(coordinator);
    await vi.advanceTimersByTimeAsync(100 * PERIOD_MS);
    expect(coordinator.received).toBe(0);
  });

  it('stop for a minute, for all runs, after a coordinator that does not accept them (HB3)', async () => {
    const coordinator = new Coordinator();
    coordinator.response = () => rejected(undefined);
    const all = new Heartbeats(coordinator.api);
    await begin(coordinator, all);
    await vi.advanceTimersByTimeAsync(PERIOD_MS / 2);
    for (let i = 0; i < 100; i++) await begin(coordinator, all);
    await vi.advanceTimersByTimeAsync(50 * PERIOD_MS);
    expect(coordinator.received).toBe(1);
  });

  it('continue after one without a response, before the callback comes (HB1)', async () => {
    const coordinator = new Coordinator();
    coordinator.response = (signal) =>
      coordinator.received > 1
        ? TAKEN
        : new Promise((_, reject) => signal?.addEventListener('abort', () => reject(new Error('no response'))));
    await begin(coordinator);
    await vi.advanceTimersByTimeAsync(PERIODS_TO_CALLBACK * PERIOD_MS - 1);
    expect(coordinator.received).toBe(2);
  });

  it('continue after one that met an error of the coordinator or of a proxy (HB1)', async () => {
    const coordinator = new Coordinator();
    coordinator.response = () => Promise.reject(new UnexpectedResponse('http://c', undefined, 500, 'with an error'));
    await begin(coordinator);
    await vi.advanceTimersByTimeAsync(5 * PERIOD_MS);
    expect(coordinator.received).toBe(5);
  });

  it('end only for the transaction that no longer accepts them', async () => {
    const coordinator = new Coordinator();
    coordinator.response = () => rejected('g');
    const all = new Heartbeats(coordinator.api);
    await begin(coordinator, all);
    await vi.advanceTimersByTimeAsync(20 * PERIOD_MS);
    expect([coordinator.received, all.isPaused]).toEqual([1, false]);
  });

  it('continue after the coordinator was unreachable, one request at a time (HB2)', async () => {
    const coordinator = new Coordinator();
    coordinator.response = () =>
      new Promise((_, reject) => setTimeout(() => reject(new Error('unreachable')), 3 * PERIOD_MS));
    await begin(coordinator);
    await vi.advanceTimersByTimeAsync(20 * PERIOD_MS);
    expect([coordinator.received, coordinator.mostAtOnce]).toEqual([7, 1]);
  });

  it('end after the longest time of a step, and resume with the next record (HB2)', async () => {
    const coordinator = new Coordinator();
    const { api } = await begin(coordinator, new Heartbeats(coordinator.api), 5.5 * PERIOD_MS);
    await vi.advanceTimersByTimeAsync(100 * PERIOD_MS);
    expect(coordinator.received).toBe(5);
    await api.registerBranch(
      { gid: 'g', body: { pattern: 'workflow', branchId: 'a', op: 'action', status: 'succeed' } },
      {},
    );
    await vi.advanceTimersByTimeAsync(2 * PERIOD_MS);
    expect(coordinator.received).toBe(7);
  });

  it('are not sent in a busy loop when the period exceeds the maximum of Node’s timers', async () => {
    const coordinator = new Coordinator();
    coordinator.heartbeatMs = 2 ** 40;
    await begin(coordinator);
    await vi.advanceTimersByTimeAsync(HOUR_MS);
    expect(coordinator.received).toBe(0);
  });
});

describe('the version of a workflow', () => {
  it('is rejected unless it is a number, since another one could not continue its own records', () => {
    const hf = clientOf('http://127.0.0.1:1');
    for (const version of [Number.NaN, Infinity, undefined, {}])
      expect(() => hf.workflow('w', { version: version as number, callbackUrl: 'http://x/' }, () => 1)).toThrow(
        /version of workflow w is .*: it takes a number, such as 1/,
      );
  });
});

describe('longestStepMs', () => {
  it('is rejected unless it is a duration', () => {
    const hf = clientOf('http://127.0.0.1:1');
    for (const longestStepMs of [-1, Number.NaN])
      expect(() =>
        hf.workflow(`w${longestStepMs}`, { version: 1, callbackUrl: 'http://x/', longestStepMs }, () => 1),
      ).toThrow(/longestStepMs of workflow w.* takes a number of ms, at least 0/);
  });
});
