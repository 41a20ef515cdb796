import { expect, it } from 'vitest';
import { FairTurns } from '../../src/oidc/fair-turns.ts';

it('tasks of one origin delay those of another by one, and never do more run than are allowed', async () => {
  const turns = new FairTurns(2);
  const ended: string[] = [];
  let running = 0;
  let most = 0;
  const run = (origin: string, name: string): Promise<void> =>
    turns.run(origin, async () => {
      most = Math.max(most, ++running);
      await Promise.resolve();
      running--;
      ended.push(name);
      if (name.endsWith('3')) throw new Error('failed');
    });
  const flood = Array.from({ length: 100 }, (_, index) => run('a', `a${index}`));
  const others = [run('b', 'b1'), run('c', 'c1'), run('b', 'b2')];
  await Promise.allSettled([...flood, ...others]);
  expect(most).toBe(2);
  expect(ended).toHaveLength(103);
  expect(Math.max(...['b1', 'c1', 'b2'].map((name) => ended.indexOf(name)))).toBeLessThan(9);
  expect(ended.filter((name) => name.startsWith('a'))).toEqual(flood.map((_, index) => `a${index}`));
  // The places of all are free again.
  await run('d', 'd1');
  expect([running, ended.at(-1)]).toEqual([0, 'd1']);
});
