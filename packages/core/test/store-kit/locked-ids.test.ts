import { describe, expect, it } from 'vitest';
import { LockedIds } from '../../src/store-kit/locked-ids.ts';

const amongst = (locked: LockedIds, ...ids: readonly string[]) => locked.amongst(ids, (id) => id);

describe('the records that a store driver remembers as locked', () => {
  it('are selected from a batch until they are found to be free', () => {
    const locked = new LockedIds();
    expect(amongst(locked, 'a', 'b')).toEqual([]);
    locked.note('b', true);
    expect(amongst(locked, 'a', 'b')).toEqual(['b']);
    locked.note('b', false);
    expect(amongst(locked, 'a', 'b')).toEqual([]);
  });

  it('are bounded: beyond the limit a further record is not remembered', () => {
    const locked = new LockedIds();
    for (let i = 0; i < 10_000; i++) locked.note(`id-${i}`, true);
    locked.note('beyond', true);
    expect(amongst(locked, 'id-0', 'id-9999', 'beyond')).toEqual(['id-0', 'id-9999']);
  });
});
