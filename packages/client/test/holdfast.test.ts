import { describe, expect, it } from 'vitest';
import { connect } from '../src/connect.ts';
import { newGid } from '../src/gid.ts';
import { withCoordinator } from './support/with-coordinator.ts';

const STEP = { action: 'http://bank-a/debit', compensate: null };

describe('a client', () => {
  it('rejects an option with an unknown name, and suggests the nearest', () => {
    const options = { requestTimeoutMS: 1 } as object;
    expect(() => connect('http://127.0.0.1:1', options)).toThrow(
      new TypeError('connect(): unknown option "requestTimeoutMS"; did you mean requestTimeoutMs?'),
    );
  });

  it('can be closed twice, and rejects every later call at once', async () => {
    const { hf, coordinator } = await withCoordinator();
    await Promise.all([hf.close(), hf.close()]);
    await hf.close();
    const before = coordinator.requests.length;
    const late = { code: 'coordinator_unreachable', attempts: 1 };
    await expect(hf.get('g')).rejects.toMatchObject(late);
    await expect(hf.saga().step(STEP).submit()).rejects.toThrow('in one attempt: this client was closed');
    expect(coordinator.requests).toHaveLength(before);
  });

  it('reads a transaction, and undefined when there is none', async () => {
    const { hf } = await withCoordinator();
    const { gid } = await hf.saga().step(STEP).submit();
    await expect(hf.get(gid)).resolves.toMatchObject({ gid, branches: [{ url: STEP.action }] });
    await expect(hf.get('nobody')).resolves.toBeUndefined();
  });

  it('finds a gid with characters that are special in a URL', async () => {
    const { hf } = await withCoordinator();
    const gid = 'a b?c#d%e';
    await hf.saga(gid).step(STEP).submit();
    await expect(hf.get(gid)).resolves.toMatchObject({ gid });
  });

  it('lists with the given filters only', async () => {
    const { coordinator, hf } = await withCoordinator();
    await hf.saga().step(STEP).submit();
    const page = await hf.list({ status: 'submitted', attention: true, limit: 10 });
    expect(page).toMatchObject({ items: [{ status: 'submitted' }], next: 'more' });
    expect(coordinator.requests.at(-1)?.query).toEqual({ status: 'submitted', attention: 'true', limit: '10' });
  });

  it('waits until a transaction is finished', async () => {
    const { coordinator, hf } = await withCoordinator();
    const { gid } = await hf.saga().step(STEP).submit();
    const waiting = hf.wait(gid);
    await coordinator.seen('GET', `/api/v1/transactions/${gid}`);
    coordinator.change(gid, { status: 'failed', rollbackReason: 'sold out' });
    await expect(waiting).rejects.toMatchObject({ code: 'transaction_failed', reason: 'sold out' });
    await expect(hf.wait('nobody')).rejects.toMatchObject({ rejection: 'not_found' });
  });

  it('aborts, and a repeated abort whose first response was lost is not rejected', async () => {
    const { coordinator, hf } = await withCoordinator();
    const { gid } = await hf.saga().step(STEP).submit();
    coordinator.faults.push('lost-response');
    const aborting = hf.abort(gid, { reason: 'changed my mind' });
    await coordinator.seen('POST', `/api/v1/transactions/${gid}/abort`);
    coordinator.change(gid, { status: 'failed' });
    await expect(aborting).resolves.toMatchObject({ status: 'failed', rollbackReason: 'changed my mind' });
  });

  it('does not report success for an abort that came too late', async () => {
    const { coordinator, hf } = await withCoordinator();
    const { gid } = await hf.saga().step(STEP).submit();
    coordinator.change(gid, { status: 'succeed' });
    coordinator.faults.push('lost-request');
    await expect(hf.abort(gid)).rejects.toMatchObject({ rejection: 'refused', status: 'succeed' });
  });

  it('retries a waiting transaction immediately, and rejects a finished one', async () => {
    const { coordinator, hf } = await withCoordinator();
    const { gid } = await hf.saga().step(STEP).submit();
    coordinator.change(gid, { dueAtMs: 99_999 });
    await expect(hf.retry(gid)).resolves.toMatchObject({ dueAtMs: null });
    coordinator.change(gid, { status: 'succeed' });
    await expect(hf.retry(gid)).rejects.toMatchObject({ rejection: 'refused' });
    coordinator.faults.push('lost-response');
    await expect(hf.retry(gid)).resolves.toMatchObject({ status: 'succeed' });
  });

  it('sends its headers with every request, below the path of its URL', async () => {
    const { coordinator } = await withCoordinator();
    await using hf = connect(`${coordinator.url}/holdfast/`, { headers: { authorization: 'Bearer t' }, retryForMs: 0 });
    await expect(hf.get('x')).resolves.toBeUndefined();
    expect(coordinator.requests).toMatchObject([
      { path: '/holdfast/api/v1/transactions/x', headers: { authorization: 'Bearer t' } },
    ]);
  });

  it('rejects a URL that is not http', () => {
    expect(() => connect('ftp://127.0.0.1')).toThrow(TypeError);
    expect(() => connect('127.0.0.1:36789')).toThrow(TypeError);
  });
});

describe('a gid', () => {
  it('is unique, short, and sorts after earlier gids', async () => {
    const gids = Array.from({ length: 1_000 }, newGid);
    expect(new Set(gids).size).toBe(1_000);
    expect(gids.every((gid) => /^[0-9a-hjkmnp-tv-z]{26}$/.test(gid))).toBe(true);
    const times = gids.map((gid) => gid.slice(0, 10));
    expect(times.toSorted()).toEqual(times);
  });
});
