import { describe, expect, it } from 'vitest';
import { Names } from '../../src/names/names.ts';
import type { Resolved } from '../../src/names/resolve-name.ts';

/** Lookups that the test completes. */
function world(maxNames = 10) {
  const lookups: { name: string; end: (found: Resolved) => void; fail: (code: string) => void; cancelled: boolean }[] =
    [];
  let nowMs = 0;
  const names = new Names({
    maxNames,
    nowMs: () => nowMs,
    resolve: (name) => {
      let resolve!: (found: Resolved) => void;
      let reject!: (error: Error) => void;
      const promise = new Promise<Resolved>((end, fail) => ([resolve, reject] = [end, fail]));
      const fail = (code: string): void => reject(Object.assign(new Error(code), { code }));
      const lookup = { name, end: resolve, fail, cancelled: false };
      lookups.push(lookup);
      return { result: promise, cancel: () => (lookup.cancelled = true) };
    },
  });
  return { names, lookups, advance: (ms: number) => (nowMs += ms) };
}

describe('the addresses of names', () => {
  it('are looked up once at a time, and kept for as long as DNS allows', async () => {
    const { names, lookups, advance } = world();
    const both = [names.lookUp('a'), names.lookUp('a')];
    expect(lookups).toHaveLength(1);
    lookups[0]?.end({ addresses: ['10.0.0.1'], keepMs: 5_000 });
    expect(await Promise.all(both)).toEqual([['10.0.0.1'], ['10.0.0.1']]);
    advance(4_999);
    await names.lookUp('a');
    expect(lookups).toHaveLength(1);
    advance(1);
    void names.lookUp('a');
    expect(lookups).toHaveLength(2);
  });

  it.each([
    [0, 1_000],
    [86_400_000, 30_000],
  ])('are kept neither too short nor too long: %i ms become %i', async (keepMs, keptMs) => {
    const { names, lookups, advance } = world();
    const found = names.lookUp('a');
    lookups[0]?.end({ addresses: ['10.0.0.1'], keepMs });
    await found;
    advance(keptMs - 1);
    await names.lookUp('a');
    advance(1);
    void names.lookUp('a');
    expect(lookups).toHaveLength(2);
  });

  it('that were not found are not looked up again for a second', async () => {
    const { names, lookups, advance } = world();
    const found = names.lookUp('a');
    lookups[0]?.fail('ENOTFOUND');
    await expect(found).rejects.toThrow('the address of a was not found: ENOTFOUND');
    advance(999);
    await expect(names.lookUp('a')).rejects.toThrow('ENOTFOUND');
    expect(lookups).toHaveLength(1);
    advance(1);
    void names.lookUp('a');
    expect(lookups).toHaveLength(2);
  });

  it('that were of no use are looked up again, but not while they are looked up', async () => {
    const { names, lookups } = world();
    const found = names.lookUp('a');
    names.forget('a');
    void names.lookUp('a');
    expect(lookups).toHaveLength(1);
    lookups[0]?.end({ addresses: ['10.0.0.1'], keepMs: 5_000 });
    await found;
    names.forget('a');
    void names.lookUp('a');
    expect(lookups).toHaveLength(2);
  });

  it('are kept of a bounded number of names', () => {
    const { names, lookups } = world(2);
    for (const name of ['a', 'b', 'c']) void names.lookUp(name);
    expect(names.size).toBe(2);
    expect(lookups.map(({ cancelled }) => cancelled)).toEqual([true, false, false]);
    names.close();
    expect(lookups.map(({ cancelled }) => cancelled)).toEqual([true, true, true]);
    expect(names.size).toBe(0);
  });
});
