import { BranchFailure } from '@holdfast/protocol';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { describeWith } from '@holdfast/testing/describe-with';
import type { Flow } from '../../src/workflow/flow.ts';
import { connectHarness } from '@holdfast/testing/connect-harness';
import { openPostgresXa } from './worlds.ts';

describeWith(['postgres'], 'an xa branch of a workflow', () => {
  let world: Awaited<ReturnType<typeof openPostgresXa>>;
  beforeAll(async () => {
    world = await openPostgresXa();
  });
  afterAll(() => world.close());

  it.each(['succeeds', 'fails'])('is ended with it when it %s, by the code of the workflow alone', async (fate) => {
    const number = await world.createNumber();
    const { hf, branches, workflowOptions } = await connectHarness.start({
      debit: (call) => world.xa().run(call, (tx) => number.add(tx, 30)),
    });
    const pay = hf.workflow('pay', { version: 1, ...workflowOptions }, async (flow: Flow) => {
      await flow.xa('debit', { url: branches.debit });
      expect(await number.read()).toBe(0);
      expect(await world.prepared()).toContain(`${flow.gid}-debit`);
      if (fate === 'fails') throw new BranchFailure('changed my mind');
    });
    const run = pay.run(undefined, { gid: `pay-${fate}` });
    if (fate === 'fails') await expect(run).rejects.toMatchObject({ status: 'failed', reason: 'changed my mind' });
    else await run;
    expect(await number.read()).toBe(fate === 'fails' ? 0 : 30);
    expect(await world.prepared()).toEqual([]);
  });
});
