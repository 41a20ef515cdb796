import { status } from '@grpc/grpc-js';
import { CoordinatorUnreachable, DeadlineExceeded } from '@holdfast/client';
import { describe, expect, it, onTestFinished } from 'vitest';
import { FakeGrpcCoordinator, type GrpcEnd } from './support/fake-grpc-coordinator.ts';
import { clientOf, withCoordinator } from './support/with-coordinator.ts';

const DEBIT = { action: 'http://bank/debit', compensate: 'http://bank/refund' };

const thrownBy = (call: Promise<unknown>): Promise<unknown> =>
  call.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );

describe('a client that has reached a limit of the coordinator', () => {
  it('repeats its call after the stated time', async () => {
    const { coordinator, hf } = await withCoordinator();
    coordinator.faults.push('limited', 'limited');
    const startedMs = performance.now();
    await hf.saga('a').step(DEBIT).submit();
    expect(coordinator.requests).toHaveLength(3);
    expect(performance.now() - startedMs).toBeGreaterThanOrEqual(600);
  });

  it('repeats its call after the time that a proxy states', async () => {
    const { coordinator, hf } = await withCoordinator();
    coordinator.faults.push('limited-by-proxy');
    const startedMs = performance.now();
    await hf.saga('a').step(DEBIT).submit();
    expect(performance.now() - startedMs).toBeGreaterThanOrEqual(1_000);
  });

  it('receives an error with the time if that is longer than its time for retries', async () => {
    const { coordinator, hf } = await withCoordinator();
    coordinator.faults.push('limited-for-long');
    const error = await thrownBy(hf.saga('a').step(DEBIT).submit());
    expect(error).toBeInstanceOf(CoordinatorUnreachable);
    // The coordinator has done nothing.
    expect(error).toMatchObject({ retryAfterMs: 3_600_000, outcome: 'not_started', attempts: 1, gid: 'a' });
  });

  it('receives an error at the end of its call, and does not wait beyond it', async () => {
    const { coordinator, hf } = await withCoordinator({ retryForMs: 10_000_000 });
    coordinator.faults.push('limited-for-long');
    const error = await thrownBy(hf.saga('a').step(DEBIT).submit({ callTimeoutMs: 2_000 }));
    expect(error).toBeInstanceOf(DeadlineExceeded);
    expect(error).toMatchObject({ retryAfterMs: 3_600_000, outcome: 'not_started' });
  });

  it('is in doubt if an earlier request of the call may have had an effect', async () => {
    const { coordinator, hf } = await withCoordinator();
    coordinator.faults.push('lost-response', 'limited-for-long');
    const error = await thrownBy(hf.saga('a').step(DEBIT).submit());
    expect(error).toMatchObject({ retryAfterMs: 3_600_000, outcome: 'unknown' });
  });

  it('does not wait for the time of a 503, since another node may serve it at once', async () => {
    const { coordinator, hf } = await withCoordinator({ retryForMs: 500 });
    coordinator.faults.push('unavailable');
    await hf.saga('a').step(DEBIT).submit();
    expect(coordinator.requests).toHaveLength(2);
    const error = await thrownBy(clientOf('http://127.0.0.1:1', { retryForMs: 0 }).list());
    expect(error).toMatchObject({ retryAfterMs: undefined });
  });
});

describe('a client over gRPC that has reached a limit of the coordinator', () => {
  const limited = (retryAfterMs: number): GrpcEnd => ({
    code: status.RESOURCE_EXHAUSTED,
    details: 'the limit is reached',
    trailers: { code: 'too_many_requests' },
    pushbackMs: retryAfterMs,
  });
  const started = async (): Promise<FakeGrpcCoordinator> => {
    const coordinator = await FakeGrpcCoordinator.start();
    onTestFinished(() => coordinator[Symbol.asyncDispose]());
    return coordinator;
  };

  it('repeats its call after the stated time', async () => {
    const coordinator = await started();
    coordinator.end = () => (coordinator.received.length < 3 ? limited(300) : { result: { items: [] } });
    const startedMs = performance.now();
    await clientOf(coordinator.url).list();
    expect(coordinator.received).toHaveLength(3);
    expect(performance.now() - startedMs).toBeGreaterThanOrEqual(600);
  });

  it('receives an error with the time if that is longer than its time for retries', async () => {
    const coordinator = await started();
    coordinator.end = () => limited(3_600_000);
    const error = await thrownBy(clientOf(coordinator.url).saga('a').step(DEBIT).submit());
    expect(error).toMatchObject({ retryAfterMs: 3_600_000, outcome: 'not_started', attempts: 1 });
  });
});
