import { expect, it, onTestFinished, vi } from 'vitest';
import { assertJson } from '../src/json-value.ts';
import type { Tcc } from '../src/tcc.ts';
import { withCoordinator } from './support/with-coordinator.ts';

const cyclic: Record<string, unknown> = { inner: {} };
cyclic['inner'] = { back: cyclic };

function deep(levels: number): unknown {
  let value: unknown = 0;
  for (let i = 0; i < levels; i++) value = [value];
  return value;
}

it.each([
  [1n, 'payload: a BigInt'],
  [{ amounts: [1, { value: 2n }] }, 'payload.amounts[1].value: a BigInt'],
  [{ amount: Number.NaN }, 'payload.amount: NaN'],
  [[0, -Infinity], 'payload[1]: -Infinity'],
  [{ at: new Date(Number.NaN) }, 'payload.at: NaN'],
  [cyclic, 'payload.inner.back: it refers to an object that contains it'],
  [() => 0, 'payload: a function'],
  [Symbol('s'), 'payload: a symbol'],
  [[() => 0], 'payload[0]: a function'],
  [{ lines: new Map([[1, 2]]) }, 'payload.lines: a Map'],
  [{ toJSON: () => ({ amount: 1n }) }, 'payload.amount: a BigInt'],
  [{ amount: Promise.resolve(30) }, 'payload.amount: a Promise is not JSON, which would make {} of it: await it'],
  [[{ toJSON: async () => 30 }], 'payload[0]: a Promise'],
  [deep(20_000), 'payload: it cannot be written as JSON'],
])('names the part of a value that is not JSON: %#', (value, fault) => {
  expect(() => assertJson('payload', value)).toThrow(TypeError);
  expect(() => assertJson('payload', value)).toThrow(fault);
});

it('handles the rejection of a promise in a rejected value, which would otherwise terminate the process', async () => {
  const rejections = vi.fn();
  process.on('unhandledRejection', rejections);
  onTestFinished(() => void process.off('unhandledRejection', rejections));
  const forgotten = Promise.reject(new Error('no such user'));
  expect(() => assertJson('payload', { user: forgotten })).toThrow('payload.user: a Promise');
  await new Promise((resolve) => void setImmediate(resolve));
  expect(rejections).not.toHaveBeenCalled();
});

it('accepts JSON values, also repeated ones, and omits what JSON omits', () => {
  const twice = { at: new Date(0) };
  const value = { a: [twice, twice], b: undefined, c: () => 0, d: null, e: 'x', f: -0, g: { toJSON: () => 'x' } };
  expect(() => assertJson('payload', value)).not.toThrow();
  expect(() => assertJson('payload', undefined)).not.toThrow();
});

const BAD = { amount: 1n };
const URL = 'http://127.0.0.1:9/never-called';

it('a saga and a message reject a payload that is not JSON when the step is added', async () => {
  const { hf } = await withCoordinator();
  const saga = hf.saga().step({ action: URL, compensate: null, payload: 1 });
  const path = 'steps[1].payload.amount: a BigInt';
  expect(() => saga.step({ action: URL, compensate: null, payload: BAD })).toThrow(path);
  expect(() => hf.message().step(URL, 1).step(URL, BAD)).toThrow(path);
});

it('a tcc and an xa reject a payload that is not JSON before a branch is registered', async () => {
  const { hf, coordinator } = await withCoordinator();
  const branch = { try: URL, confirm: URL, cancel: URL, payload: BAD };
  const failed = {
    code: 'transaction_failed',
    cause: { message: expect.stringContaining('payload.amount: a BigInt') as string },
  };
  await expect(hf.tcc((tx: Tcc) => tx.call(branch))).rejects.toMatchObject(failed);
  await expect(hf.xa((tx) => tx.call({ url: URL, payload: BAD }))).rejects.toMatchObject(failed);
  expect(coordinator.requests.filter(({ path }) => path.endsWith('/branches'))).toEqual([]);
});

it('a workflow rejects an input that is not JSON before anything is sent', async () => {
  const { hf, coordinator } = await withCoordinator();
  const workflow = hf.workflow('buy', { version: 1, callbackUrl: URL }, async () => 0);
  await expect(workflow.run(BAD as never)).rejects.toThrow('input.amount: a BigInt');
  expect(coordinator.requests).toEqual([]);
});

it('a body that was made unsendable after it was checked is a TypeError at once, not an unreachable coordinator', async () => {
  const { hf, coordinator } = await withCoordinator();
  const payload: Record<string, unknown> = { amount: 1 };
  const saga = hf.saga().step({ action: URL, compensate: null, payload });
  payload['amount'] = 1n;
  await expect(saga.submit()).rejects.toThrow(TypeError);
  expect(coordinator.requests).toEqual([]);
});

it('a step that waits for others in a saga that is not concurrent is a TypeError', async () => {
  const { hf, coordinator } = await withCoordinator();
  const step = { action: URL, compensate: null };
  const saga = hf
    .saga()
    .step(step)
    .step({ ...step, after: [0] });
  await expect(saga.submit()).rejects.toThrow(/steps\[1\]\.after: .*concurrent\(\)/);
  expect(coordinator.requests).toEqual([]);
  await expect(saga.concurrent().submit()).resolves.toMatchObject({ status: 'submitted' });
});
