import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { connect, type Holdfast, TransactionFailed } from '@holdfast/client';
import { branch, BranchFailure, BranchOngoing } from '@holdfast/client/node-http';
import { type RunningServer, startServer } from '@holdfast/server';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

/** A real coordinator, with the SDK as both its client and its participant. */
let coordinator: RunningServer;
let hf: Holdfast;
let participant: Server;
let url: string;
/** The calls received, such as `01 action 30`. */
let calls: string[];
/** What a branch does, by the last part of its URL. */
let behaviour: Record<string, () => unknown>;

beforeEach(async () => {
  calls = [];
  behaviour = {};
  const serve = branch<number | undefined>(async ({ branchId, op, payload, query }) => {
    calls.push(`${branchId} ${op} ${payload}`);
    await behaviour[query.get('do') ?? '']?.();
  });
  participant = createServer((request, response) => void serve(request, response)).listen(0, '127.0.0.1');
  await once(participant, 'listening');
  url = `http://127.0.0.1:${(participant.address() as AddressInfo).port}/branch`;
  coordinator = await startServer({ store: 'memory:', httpPort: 0 });
  hf = connect(coordinator.url);
});

afterEach(async () => {
  await hf.close();
  await coordinator.close();
  participant.closeAllConnections();
  participant.close();
});

describe('a saga through a real coordinator', () => {
  it('calls its steps in order and succeeds', async () => {
    const saga = hf
      .saga()
      .step({ action: url, compensate: null, payload: 1 })
      .step({ action: url, compensate: null, payload: 2 });
    await expect(saga.submit({ wait: true })).resolves.toMatchObject({ gid: saga.gid, status: 'succeed' });
    await expect(saga.submit({ wait: true })).resolves.toMatchObject({ gid: saga.gid, status: 'succeed' });
    expect(calls).toEqual(['01 action 1', '02 action 2']);
  });

  it('is rolled back with the message of the branch that failed', async () => {
    behaviour['refuse'] = () => Promise.reject(new BranchFailure('the card was declined'));
    const failed: unknown = await hf
      .saga()
      .step({ action: url, compensate: url, payload: 1 })
      .step({ action: `${url}?do=refuse`, compensate: url, payload: 2 })
      .submit({ wait: true })
      .catch((error: unknown) => error);
    expect(failed).toBeInstanceOf(TransactionFailed);
    expect(failed).toMatchObject({ status: 'failed', reason: 'the card was declined' });
    expect(calls).toEqual(['01 action 1', '02 action 2', '02 compensate 2', '01 compensate 1']);
  });

  it('retries a branch that is ongoing or had an error', async () => {
    let times = 0;
    behaviour['later'] = () => {
      times++;
      if (times === 1) throw new BranchOngoing('soon');
      if (times === 2) throw new Error('a hiccup');
    };
    const saga = hf
      .saga()
      .step({ action: `${url}?do=later`, compensate: null })
      .options({ retryIntervalMs: 20 });
    await saga.submit({ wait: true });
    const details = await hf.get(saga.gid);
    const callLines = details?.timeline.flatMap((line) =>
      line.kind === 'call' ? [`${line.result} ${line.reason}`] : [],
    );
    expect(callLines).toMatchObject([
      expect.stringMatching(/^ONGOING .*soon/),
      expect.stringMatching(/^UNKNOWN .*hiccup/),
      'SUCCESS ',
    ]);
  });

  it('runs concurrent steps after their dependencies', async () => {
    await hf
      .saga()
      .step({ action: url, compensate: null, payload: 1, after: [1] })
      .step({ action: url, compensate: null, payload: 2 })
      .concurrent()
      .submit({ wait: true });
    expect(calls).toEqual(['02 action 2', '01 action 1']);
  });

  it('is pending after the wait times out, and can be rolled back', async () => {
    behaviour['never'] = () => Promise.reject(new BranchOngoing('not today'));
    const saga = hf.saga().step({ action: `${url}?do=never`, compensate: url });
    await expect(saga.submit({ wait: { timeoutMs: 50 } })).rejects.toMatchObject({
      code: 'transaction_pending',
      reason: 'not today',
    });
    await hf.abort(saga.gid, { reason: 'changed my mind' });
    await expect(hf.wait(saga.gid)).rejects.toMatchObject({ code: 'transaction_failed', reason: 'changed my mind' });
  });

  it('is rejected with the name of the invalid field', async () => {
    const rejected = hf.saga().step({ action: url, compensate: null }).step({ action: '', compensate: null }).submit();
    await expect(rejected).rejects.toMatchObject({
      rejection: 'invalid',
      field: expect.stringContaining('steps') as string,
    });
    await expect(hf.wait('nobody')).rejects.toMatchObject({ rejection: 'not_found', gid: 'nobody' });
    await expect(hf.get('nobody')).resolves.toBeUndefined();
  });
});

describe('a message through a real coordinator', () => {
  it('is delivered only after its submission', async () => {
    const message = await hf.message().step(url, 30).prepare(url);
    expect(calls).toEqual([]);
    await message.submit({ wait: true });
    expect(calls).toEqual(['01 action 30']);
  });

  it('is delivered when the check-back reports a committed local transaction', async () => {
    const message = await hf.message().step(url, 30).options({ timeoutToFailMs: 20 }).prepare(url);
    await hf.wait(message.gid);
    expect(calls).toEqual(['00 msg undefined', '01 action 30']);
    await expect(message.submit({ wait: true })).resolves.toMatchObject({ status: 'succeed' });
  });

  it('fails when the check-back reports a local transaction that was rolled back', async () => {
    behaviour['no'] = () => Promise.reject(new BranchFailure('rolled back'));
    const message = await hf.message().step(url).options({ timeoutToFailMs: 20 }).prepare(`${url}?do=no`);
    await expect(hf.wait(message.gid)).rejects.toMatchObject({ code: 'transaction_failed' });
    await expect(message.submit()).rejects.toMatchObject({ code: 'transaction_failed' });
    expect(calls).toEqual(['00 msg undefined']);
  });

  it('is delivered after its delay', async () => {
    const message = hf.message().step(url).delay(150);
    await message.submit({ wait: true });
    const details = await hf.get(message.gid);
    const call = details?.timeline.find((line) => line.kind === 'call');
    expect((call?.atMs ?? 0) - (details?.createdAtMs ?? 0)).toBeGreaterThanOrEqual(150);
  });
});

describe('a list', () => {
  it('contains the submitted transactions, page by page', async () => {
    for (let n = 0; n < 3; n++)
      await hf.saga(`order-${n}`).step({ action: url, compensate: null }).submit({ wait: true });
    const first = await hf.list({ status: 'succeed', limit: 2 });
    const second = await hf.list({
      status: 'succeed',
      limit: 2,
      ...(first.next === null ? {} : { cursor: first.next }),
    });
    expect([...first.items, ...second.items].map((item) => item.gid)).toEqual(['order-2', 'order-1', 'order-0']);
    expect(second.next).toBeNull();
  });
});
