import { describe, expect, it } from 'vitest';
import { Doubts } from '../../src/engine/doubts.ts';
import type { Store, StoredTransaction } from '../../src/store/index.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { KeptLog } from './support/silence.ts';

const keyOf = (gid: string) => ({ namespace: 'default', gid });

function setUp() {
  const clock = new ManualClock();
  const records = new Map<string, { version: number; owner: string | null }>();
  const running = new Set<string>();
  const owned: string[] = [];
  let polls = 0;
  const doubts = new Doubts({
    store: {
      versions: (keys: readonly { gid: string }[]) => {
        polls++;
        return Promise.resolve(keys.map(({ gid }) => records.get(gid)?.version));
      },
      get: (keys: readonly { gid: string }[]) =>
        Promise.resolve(keys.map((key) => records.has(key.gid) && { key, ...records.get(key.gid) })),
    } as unknown as Store,
    clock,
    logger: new KeptLog(),
    session: () => 'A',
    hasRun: (id) => running.has(id.split('\0')[1] ?? ''),
    onOwned: ({ key }: StoredTransaction) => void owned.push(key.gid),
  });
  return { clock, records, running, owned, doubts, polls: () => polls };
}

describe('a write whose outcome stayed unknown', () => {
  it('is in doubt, and the store is polled, until the record has a later version than it expected (DB1)', async () => {
    const { clock, records, owned, doubts, polls } = setUp();
    records.set('g', { version: 4, owner: null });
    doubts.add(keyOf('g'), 4);
    await clock.advance(60_000);
    expect([doubts.size, owned]).toEqual([1, []]);
    const before = polls();
    await clock.advance(60_000);
    expect(polls()).toBeGreaterThanOrEqual(before + 10);
    records.set('g', { version: 5, owner: 'A' });
    await clock.advance(5_000);
    expect([doubts.size, owned]).toEqual([0, ['g']]);
    const after = polls();
    await clock.advance(60_000);
    expect(polls()).toBe(after);
  });

  it('is resumed only if this session owns the record, and not while a run has the transaction (DB2)', async () => {
    const { clock, records, running, owned, doubts } = setUp();
    for (const gid of ['ours', 'theirs', 'driven']) doubts.add(keyOf(gid), 0);
    running.add('driven');
    records.set('ours', { version: 1, owner: 'A' });
    records.set('theirs', { version: 1, owner: 'B' });
    records.set('driven', { version: 1, owner: 'A' });
    await clock.advance(10_000);
    expect([doubts.size, owned]).toEqual([1, ['ours']]);
    running.clear();
    await clock.advance(10_000);
    expect([doubts.size, owned]).toEqual([0, ['ours', 'driven']]);
  });

  it('is not kept beside 500 others, except one more of the same transaction (DB3)', () => {
    const { doubts } = setUp();
    for (let i = 0; i < 500; i++) expect(doubts.add(keyOf(`g${i}`), 1)).toBe(true);
    expect([doubts.add(keyOf('one more'), 1), doubts.add(keyOf('g0'), 2), doubts.size]).toEqual([false, true, 500]);
    doubts.clear();
    expect([doubts.size, doubts.add(keyOf('one more'), 1)]).toEqual([0, true]);
  });
});
