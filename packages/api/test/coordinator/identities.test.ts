import { describe, expect, it } from 'vitest';
import * as fc from 'fast-check';
import { systemIdentities } from '@holdfast/api';

describe('a gid', () => {
  it('has 26 characters that a URL, a file name and a case-blind database all keep apart', () => {
    const ids = systemIdentities();
    for (let index = 0; index < 2_000; index++) expect(ids.newGid()).toMatch(/^[0-9a-z]{26}$/);
  });

  it('is new each time, within one millisecond too', () => {
    const ids = systemIdentities({ nowMs: () => 1_700_000_000_000 });
    const gids = new Set(Array.from({ length: 20_000 }, () => ids.newGid()));
    expect(gids.size).toBe(20_000);
  });

  it('sorts by the millisecond it was made in', () => {
    const anyTime = fc.integer({ min: 0, max: 2 ** 48 - 1 });
    fc.assert(
      fc.property(anyTime, anyTime, (one, other) => {
        fc.pre(one < other);
        const at = (ms: number) => systemIdentities({ nowMs: () => ms }).newGid();
        expect(at(one) < at(other)).toBe(true);
      }),
    );
  });
});

describe('a session', () => {
  it('names its node and is new at every start', () => {
    const one = systemIdentities({ node: 'shop-1' }).newSession();
    expect(one).toMatch(/^shop-1-[0-9a-z]{26}$/);
    expect(systemIdentities({ node: 'shop-1' }).newSession()).not.toBe(one);
  });
});
