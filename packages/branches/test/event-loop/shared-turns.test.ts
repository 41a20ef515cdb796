import { expect, it } from 'vitest';
import { Turns } from '../../src/event-loop/shared-turns.ts';

/** A clock that does not advance, and turns that the test begins. */
class Manual {
  nowMs = 0;
  #begin: (() => void) | undefined;
  readonly turns = new Turns(
    () => this.nowMs,
    (run) => (this.#begin = run),
  );

  /** Begins a turn, and resolves when everything in it was carried out. */
  async turn(): Promise<void> {
    const begin = this.#begin;
    this.#begin = undefined;
    begin?.();
    await new Promise((resolve) => void setImmediate(resolve));
  }

  get isIdle(): boolean {
    return this.#begin === undefined;
  }
}

it('a turn carries out the parts of different work until its time is spent, in their order', async () => {
  const manual = new Manual();
  const carriedOut: string[] = [];
  const work = async (name: string, partMs: number): Promise<void> => {
    for (let part = 0; part < 2; part++) {
      await manual.turns.next();
      manual.nowMs += partMs;
      carriedOut.push(`${name}${part}`);
    }
  };
  void work('a', 3);
  void work('b', 3);
  void work('c', 3);
  await manual.turn();
  expect(carriedOut).toEqual(['a0', 'b0']);
  await manual.turn();
  expect(carriedOut).toEqual(['a0', 'b0', 'c0']);
  await manual.turn();
  expect(carriedOut).toEqual(['a0', 'b0', 'c0', 'a1', 'b1']);
  await manual.turn();
  expect(carriedOut).toEqual(['a0', 'b0', 'c0', 'a1', 'b1', 'c1']);
  expect(manual.isIdle).toBe(true);
});

it('work that takes no time gets one part in each turn', async () => {
  const manual = new Manual();
  let parts = 0;
  void (async () => {
    for (; parts < 3; parts++) await manual.turns.next();
  })();
  await manual.turn();
  expect(parts).toBe(1);
  await manual.turn();
  expect(parts).toBe(2);
});

it('a part begins with what its turn has left: it is spent after all parts together took their time', async () => {
  const manual = new Manual();
  const spent: boolean[] = [];
  const work = async (): Promise<void> => {
    await manual.turns.next();
    manual.nowMs += 2.5;
    spent.push(manual.turns.isSpent);
  };
  void work();
  void work();
  await manual.turn();
  expect(spent).toEqual([false, true]);
});
