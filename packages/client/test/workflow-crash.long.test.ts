import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WorkflowWorld } from './support/workflow-world.ts';

/** Number of concurrent processes. */
const AT_ONCE = 3;
const NEVER = 1_000;
/** The number of the first request in which a failing workflow differs from a successful one. */
const REFUSAL = 18;

/** The undo of each effect. */
const UNDONE_BY: Readonly<Record<string, string>> = {
  debit: 'refund',
  credit: 'revoke',
  hold: 'release',
  note: 'unnote',
  mail: 'unmail',
};

describe('a workflow whose process is killed', () => {
  let world: WorkflowWorld;

  beforeAll(async () => {
    world = await WorkflowWorld.open();
  });
  afterAll(() => world.close());

  /** Starts a transaction, has its process killed, and lets another process get the callback. */
  async function killedAt(fate: 'good' | 'bad', diesAt: number): Promise<string> {
    const gid = `${fate}-${diesAt}`;
    const { killed } = await world.begin(gid, fate, diesAt);
    expect(killed, gid).toBe(true);
    // Rather than waiting for the interval.
    if ((await world.hf.get(gid)) !== undefined) await world.hf.retry(gid);
    return gid;
  }

  /**
   * Counts the requests of an undisturbed workflow, then starts a transaction for each of them,
   * killed before that request.
   */
  async function eachCut(fate: 'good' | 'bad', first: number, judge: (gid: string) => Promise<void>): Promise<number> {
    const { requests, killed } = await world.begin(fate, fate, NEVER);
    expect(killed).toBe(false);
    await judge(fate);
    let next = first;
    const work = async (): Promise<void> => {
      while (next <= requests) await judge(await killedAt(fate, next++));
    };
    await Promise.all(Array.from({ length: AT_ONCE }, work));
    return requests;
  }

  it('before its first record has done nothing', async () => {
    await world.begin('unborn', 'good', 1);
    await expect(world.hf.get('unborn')).resolves.toBeUndefined();
    expect(world.effects('unborn')).toEqual([]);
  });

  it('between its first and its last step is resumed in another process and succeeds; every effect happens once', async () => {
    const cuts = await eachCut('good', 2, async (gid) => {
      await expect(world.hf.wait(gid, { timeoutMs: 20_000 }), gid).resolves.toMatchObject({ status: 'succeed' });
      expect(world.effects(gid).toSorted(), gid).toEqual(['book', 'close', 'credit', 'debit', 'hold', 'mail', 'note']);
      expect(world.effects(gid).at(-1), gid).toBe('book');
    });
    // Creation and reading the record; six steps with their records, and the starts of the five
    // that can be undone; the decision; a commit with its record; the end.
    expect(cuts).toBe(2 + 6 * 2 + 5 + 1 + 2 + 1);
  });

  it('while it fails or undoes is resumed in another process and undone; every effect and every undo happens once', async () => {
    const cuts = await eachCut('bad', REFUSAL, async (gid) => {
      await expect
        .poll(async () => (await world.hf.get(gid))?.status, { timeout: 20_000, message: gid })
        .toBe('failed');
      const effects = world.effects(gid);
      const done = effects.filter((effect) => effect in UNDONE_BY);
      const undone = effects.filter((effect) => !(effect in UNDONE_BY));
      expect(new Set(done).size, `${gid}: ${effects.join()}`).toBe(done.length);
      expect(undone.toSorted(), gid).toEqual(done.map((effect) => UNDONE_BY[effect] ?? 'unknown').toSorted());
      expect(done, gid).toHaveLength(5);
      // No further effects after the first undo, and the oldest effect is undone last.
      expect(effects.slice(0, 5), gid).toEqual(done);
      expect(effects.at(-1), gid).toBe('refund');
    });
    // The same six steps; the abort and reading the record after it; five undos with their records;
    // the end.
    expect(cuts).toBe(2 + 6 * 2 + 5 + 2 + 5 * 2 + 1);
  });
});
