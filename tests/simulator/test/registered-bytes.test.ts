import { LIMITS } from '@holdfast/protocol';
import { beforeEach, expect, it } from 'vitest';
import { context, Stage } from './support/stage.ts';
import { tcc, tccBranch } from './support/transactions.ts';

let stage: Stage;

beforeEach(() => {
  stage = new Stage();
});

it('the payloads of registered branches are bounded together, and the error states the bound', async () => {
  const a = await stage.started('A');
  await a.engine.prepare(context, tcc);
  const payload = new Uint8Array(LIMITS.payloadBytes / 2);
  const register = (n: number) =>
    a.engine.registerBranch(context, {
      gid: tcc.gid,
      branches: tccBranch.map((branch) => ({ ...branch, branchId: `${10 + n}`, payload })),
    });
  const refusals: unknown[] = [];
  for (let n = 0; n < 20; n++) await register(n).catch((error: unknown) => void refusals.push(error));
  expect(refusals.length).toBeGreaterThan(0);
  const [refusal] = refusals;
  expect(refusal).toMatchObject({
    code: 'too_large',
    message: expect.stringMatching(/at most 8 MiB together; keep large data elsewhere/) as unknown,
  });
  const record = await stage.record(tcc.gid);
  const bytes = (record?.entries ?? []).reduce((sum, { body }) => sum + body.length, 0);
  expect(bytes).toBeLessThanOrEqual(LIMITS.registeredBytes);
  expect(bytes).toBeGreaterThan(LIMITS.registeredBytes / 2);
  expect(record?.status).toBe('prepared');
});
