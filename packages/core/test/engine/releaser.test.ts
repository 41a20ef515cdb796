import { describe, expect, it } from 'vitest';
import { encodeState } from '../../src/codec/state-codec.ts';
import type { Committer, WriteResult } from '../../src/engine/committer.ts';
import { Releaser } from '../../src/engine/releaser.ts';
import { Run } from '../../src/engine/run.ts';
import type { Session } from '../../src/engine/session.ts';
import { newTransaction } from '../../src/patterns/state.ts';
import type { Store, StoredTransaction, UpdateItem } from '../../src/store/index.ts';
import { CREATED_AT_MS, KEY, saga } from '../patterns/support/definitions.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { KeptLog } from './support/silence.ts';

const { state } = newTransaction(KEY, saga(1), CREATED_AT_MS);

function setUp(found: Partial<StoredTransaction>) {
  const clock = new ManualClock();
  let record = { key: KEY, status: 'submitted', version: 3, owner: 'A', state: encodeState(state), ...found };
  const results: WriteResult[] = [];
  const written: UpdateItem[] = [];
  const unwritable: number[] = [];
  const released: (number | undefined)[] = [];
  const releaser = new Releaser({
    store: { get: () => Promise.resolve([record]) } as unknown as Store,
    committer: {
      enqueue(item: UpdateItem, _id: string, _persistent: boolean, done: (result: WriteResult) => void) {
        written.push(item);
        done(results.shift() ?? { kind: 'applied', version: item.expectVersion + 1, existing: [] });
      },
    } as unknown as Committer,
    session: { id: 'A', nowMs: () => CREATED_AT_MS } as unknown as Session,
    clock,
    logger: new KeptLog(),
    newWriteId: () => 'w',
    onUnwritable: ({ version }) => void unwritable.push(version),
  });
  const run = Run.ofStored(KEY);
  run.release();
  releaser.park(run, 'broken', (at) => void released.push(at?.version));
  const change = (changes: Partial<StoredTransaction>): void => void (record = { ...record, ...changes });
  return { clock, results, written, unwritable, released, change };
}

describe('a release', () => {
  it('writes on the version that was read right before it, and not at all once another session owns it (RL2)', async () => {
    const { clock, results, written, released, change } = setUp({});
    results.push({ kind: 'conflict', status: 'submitted', version: 4 }, { kind: 'abandoned' });
    await clock.advance(50);
    change({ version: 4 });
    await clock.advance(100);
    change({ version: 5, owner: 'B' });
    await clock.advance(60_000);
    expect(written.map(({ expectVersion, owner }) => [expectVersion, owner])).toEqual([
      [3, null],
      [4, null],
    ]);
    expect(released).toEqual([undefined]);
  });

  it('of a record that this version cannot write becomes a doubt (RL4)', async () => {
    const { clock, written, unwritable, released } = setUp({ unreadable: 'a later version wrote it', version: 7 });
    await clock.advance(60_000);
    expect({ written, unwritable, released }).toEqual({ written: [], unwritable: [7], released: [undefined] });
  });
});
