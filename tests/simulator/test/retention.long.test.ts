import { describe, expect, it } from 'vitest';
import { type Actor, context, Stage } from './support/stage.ts';

const DAY_MS = 24 * 3_600_000;
const retentionMs = DAY_MS;

/** Counts the batches that a node deletes. */
function counting(actor: Actor): () => number {
  let batches = 0;
  actor.always('purge', (carryOut) => {
    batches++;
    return carryOut();
  });
  return () => batches;
}

describe('finished transactions', () => {
  it('are deleted after the retention by one of several nodes, in small batches with pauses; if the node is lost, by the next (J2)', async () => {
    const stage = new Stage();
    const a = await stage.started('A', { retentionMs });
    await stage.pass(10);
    const b = await stage.started('B', { retentionMs });
    const [byA, byB] = [counting(a), counting(b)];
    const finish = async (count: number): Promise<void> => {
      for (let i = 0; i < count; i++)
        await stage.store.write([
          {
            kind: 'insert',
            key: { namespace: 'default', gid: `${byA()}-${byB()}-${i}` },
            writeId: `${byA()}-${byB()}-${i}`,
            status: 'succeed',
            owner: null,
            dueInMs: null,
            attention: false,
            pattern: 'saga',
            group: '',
            definition: new Uint8Array(1),
            state: new Uint8Array(1),
          },
        ]);
    };
    const left = async (): Promise<number> => (await a.engine.counts(context)).byStatus.succeed;

    await finish(1_000);
    await stage.pass(DAY_MS - 60_000);
    expect(await left()).toBe(1_000);
    const before = byA();
    // The first batch comes within half a minute of the time, the others with short pauses; each
    // may be twice as large.
    while ((await left()) === 1_000) await stage.pass(1);
    expect(await left()).toBe(800);
    while ((await left()) === 800) await stage.pass(1);
    expect(await left()).toBe(400);
    await stage.pass(60_000);
    expect([await left(), byB()]).toEqual([0, 0]);
    expect(byA() - before).toBeLessThan(12);

    await finish(10);
    a.kill();
    await stage.pass(DAY_MS + 60_000);
    expect([(await b.engine.counts(context)).byStatus.succeed, byB() > 0]).toEqual([0, true]);
  });

  it('are kept forever if the retention is 0', async () => {
    const stage = new Stage();
    const a = await stage.started('A', { retentionMs: 0 });
    const byA = counting(a);
    await stage.pass(DAY_MS);
    expect(byA()).toBe(0);
  });
});
