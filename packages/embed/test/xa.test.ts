import { BranchFailure, embed, withBarrier } from '@holdfast/embed';
import { startServer } from '@holdfast/server';
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest';
import { describeWith } from '@holdfast/testing/describe-with';
import { openNumbers } from './support/numbers.ts';
import { SILENT } from './support/silent.ts';

describeWith(['postgres'], 'an xa of functions of this process', () => {
  let world: Awaited<ReturnType<typeof openNumbers>>;
  beforeAll(async () => {
    world = await openNumbers();
  });
  afterAll(() => world.close());

  async function bank(coordinator?: string) {
    const number = await world.createNumber();
    const xa = world.xa(coordinator === undefined ? {} : { coordinator });
    const hf = await embed({
      store: 'memory:',
      branches: {
        add: withBarrier(xa, (_call, tx) => number.add(tx, 30)),
        refuse: withBarrier(xa, () => {
          throw new BranchFailure('the account is closed');
        }),
      },
      logger: SILENT,
    });
    onTestFinished(() => hf.close());
    return { hf, number };
  }

  it('is committed in all databases, or in none', async () => {
    const { hf, number } = await bank();
    const { add, refuse } = hf.branches;
    await hf.xa(
      async (tx) => {
        await tx.call({ url: add });
        expect(await world.prepared()).toEqual([`${tx.gid}-01`]);
        expect(await number.read()).toBe(0);
      },
      { wait: true },
    );
    expect(await number.read()).toBe(30);
    const refused = hf.xa(
      async (tx) => {
        await tx.call({ url: add });
        await tx.call({ url: refuse });
      },
      { wait: true },
    );
    await expect(refused).rejects.toMatchObject({ status: 'failed', reason: 'the account is closed' });
    expect(await number.read()).toBe(30);
    expect(await world.prepared()).toEqual([]);
  });

  it('states the fix when a participant queries another coordinator, which does not have the transaction', async () => {
    const other = await startServer({ store: 'memory:', httpPort: 0, drainTimeout: 0, logLevel: 'silent' });
    onTestFinished(() => other.close().then(() => undefined));
    const { hf, number } = await bank(other.url);
    const { add } = hf.branches;
    const refused = hf.xa((tx) => tx.call({ url: add }), { wait: true });
    await expect(refused).rejects.toMatchObject({
      status: 'failed',
      reason: expect.stringMatching(/embed\(\).*without the option coordinator/),
    });
    expect(await number.read()).toBe(0);
    expect(await world.prepared()).toEqual([]);
  });
});
