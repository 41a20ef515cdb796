import { describe, expect, it } from 'vitest';
import { LostWrites } from '../../src/engine/lost-writes.ts';
import { Run } from '../../src/engine/run.ts';
import { NO_OBSERVER } from '../../src/index.ts';
import { newTransaction } from '../../src/patterns/state.ts';
import type { Store, StoredTransaction, UpdateItem, WriteItem } from '../../src/store/index.ts';
import { CREATED_AT_MS, saga } from '../patterns/support/definitions.ts';
import { KeptLog } from './support/silence.ts';

/** A run that this session owns at version 5. */
function owned(gid: string): Run {
  const transaction = newTransaction({ namespace: 'default', gid }, saga(1), CREATED_AT_MS);
  const run = Run.ofNew({ ...transaction, state: { ...transaction.state, status: 'submitted' } }, '');
  run.applied(run.write(undefined, true, null, 'w'), 5);
  return run;
}

async function restored(found: Readonly<Record<string, Partial<StoredTransaction> | undefined>>) {
  const written: WriteItem[] = [];
  const logger = new KeptLog();
  const lostWrites = new LostWrites({
    store: {
      get: (keys: readonly { gid: string }[]) => Promise.resolve(keys.map(({ gid }) => found[gid])),
      write: (items: readonly WriteItem[]) => {
        written.push(...items);
        return Promise.resolve(items.map(() => ({ kind: 'applied', version: 1, existing: [] })));
      },
    } as unknown as Store,
    logger,
    observer: NO_OBSERVER,
    session: () => 'A',
    runs: () => Object.keys(found).map(owned),
  });
  await lostWrites.restore();
  return written;
}

describe('restoring what a store has lost', () => {
  it('writes on the version that was found, and nothing over the work of another session (LW2)', async () => {
    const written = await restored({
      missing: undefined,
      older: { version: 3, owner: 'A' },
      released: { version: 4, owner: null },
      'driven elsewhere': { version: 4, owner: 'B' },
      kept: { version: 5, owner: 'A' },
    });
    const versions = written.map((item) => [
      item.key.gid,
      item.kind,
      item.kind === 'update' ? item.expectVersion : undefined,
    ]);
    expect(versions).toEqual([
      ['missing', 'insert', undefined],
      ['older', 'update', 3],
      ['released', 'update', 4],
    ]);
  });

  it('leaves the records owned by the session that ends, not due, so that they are taken over as after a crash (LW3)', async () => {
    const written = await restored({ missing: undefined, older: { version: 3, owner: null } });
    expect(written.map((item) => [(item as UpdateItem).owner, (item as UpdateItem).dueInMs])).toEqual([
      ['A', null],
      ['A', null],
    ]);
  });
});
