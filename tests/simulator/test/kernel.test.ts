import { describe, expect, it } from 'vitest';
import type { Domain } from '../src/kernel/agenda.ts';
import { Random } from '../src/kernel/random.ts';
import { World } from '../src/kernel/world.ts';
import { readOptions } from '../src/options.ts';

const process = (): Domain => ({ name: 'A1', state: 'running', held: [] });
const toTheEnd = (world: World): Promise<void> => world.run(() => false, 1e6);

describe('simulated time', () => {
  it('runs events by time, and events of the same moment in the order of scheduling', async () => {
    const world = new World();
    const happened: string[] = [];
    for (const [delayMs, name] of [
      [5, 'c'],
      [1, 'a'],
      [5, 'd'],
      [3, 'b'],
    ] as const)
      world.after(delayMs, () => happened.push(`${name}@${world.nowMs}`));
    await toTheEnd(world);
    expect(happened).toEqual(['a@1', 'b@3', 'c@5', 'd@5']);
  });

  it('advances only when no promise can make progress', async () => {
    const world = new World();
    const times: number[] = [];
    const chain = async (): Promise<void> => {
      for (let i = 0; i < 50; i++) await Promise.resolve();
      times.push(world.nowMs);
    };
    world.after(1, () => void chain());
    world.after(2, () => times.push(world.nowMs));
    await toTheEnd(world);
    expect(times).toEqual([1, 2]);
  });

  it('holds back the events of a paused process until it resumes, and discards those of a dead process', async () => {
    const world = new World();
    const [paused, dead] = [process(), process()];
    const happened: string[] = [];
    paused.state = 'paused';
    dead.state = 'dead';
    world.after(1, () => happened.push(`first@${world.nowMs}`), paused);
    world.after(2, () => happened.push(`second@${world.nowMs}`), paused);
    world.after(3, () => happened.push('never'), dead);
    world.after(10, () => world.resume(paused, (held) => held.toReversed()));
    await toTheEnd(world);
    expect(happened).toEqual(['second@10', 'first@10']);
  });

  it('does not run a cancelled event', async () => {
    const world = new World();
    const happened: string[] = [];
    const planned = world.after(5, () => happened.push('cancelled'));
    world.after(1, () => planned.cancel());
    await toTheEnd(world);
    expect(happened).toEqual([]);
  });

  it('reports an error thrown by an event', async () => {
    const world = new World();
    world.after(1, () => {
      throw new Error('a defect');
    });
    await expect(toTheEnd(world)).rejects.toThrow('a defect');
  });
});

describe('seeded chance', () => {
  const draw = (random: Random): number[] => Array.from({ length: 20 }, random.next);

  it('yields the same values for the same seed, and others for another seed', () => {
    expect(draw(new Random(7))).toEqual(draw(new Random(7)));
    expect(draw(new Random(7))).not.toEqual(draw(new Random(8)));
  });

  it('draws from a fork without changing what others draw', () => {
    const [one, other] = [new Random(7), new Random(7)];
    draw(one.fork('network'));
    expect(draw(one)).toEqual(draw(other));
    expect(draw(new Random(7).fork('network'))).not.toEqual(draw(new Random(7).fork('nodes')));
  });

  it('is spread evenly', () => {
    const random = new Random(1);
    const buckets = Array.from({ length: 10 }, () => 0);
    for (let i = 0; i < 10_000; i++) buckets[Math.floor(random.next() * 10)]! += 1;
    for (const size of buckets) expect(size).toBeGreaterThan(850);
  });
});

describe('the command line', () => {
  it('runs one seed, a number of them, or as many as fit into some minutes', () => {
    expect(readOptions(['--seed', '7'])).toMatchObject({ from: 7, seeds: 1, jobs: 1 });
    expect(readOptions(['--seeds', '500', '--from', '10'])).toMatchObject({ from: 10, seeds: 500 });
    expect(readOptions(['--minutes', '0.5'])).toMatchObject({ seeds: Infinity, minutes: 0.5 });
  });

  it.each([['--seeds', 'many'], ['--seed', '1.5'], ['--from', '-1'], ['--nonsense']])('rejects %s %s', (...args) => {
    expect(() => readOptions(args)).toThrow();
  });
});
