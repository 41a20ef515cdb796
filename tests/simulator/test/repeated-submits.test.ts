import type { StoredTransaction } from '@holdfast/core/store';
import { expect, it } from 'vitest';
import { context, Stage } from './support/stage.ts';
import { FAILURE, saga } from './support/transactions.ts';

const input = saga('s', 1);

it('a submit repeated after the transaction has failed is rejected, even if the node first reads an older record', async () => {
  const stage = new Stage();
  const a = await stage.started('A');
  const b = await stage.started('B');
  let older: StoredTransaction | undefined;
  stage.results.set('01 action', async () => {
    older = await stage.record(input.gid);
    return FAILURE();
  });
  await a.engine.submit(context, input);
  await stage.pass(1_000);
  expect((await stage.record(input.gid))?.status).toBe('failed');
  expect(older?.status).toBe('submitted');
  b.next('get', () => Promise.resolve([older]));
  await expect(b.engine.submit(context, input)).rejects.toMatchObject({ code: 'refused', status: 'failed' });
});
