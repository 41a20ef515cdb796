import { expect, it } from 'vitest';
import type { WriteResult } from '../../src/engine/committer.ts';
import type { Delivery } from '../../src/engine/delivery.ts';
import { Run } from '../../src/engine/run.ts';
import { Writer } from '../../src/engine/writer.ts';
import { newTransaction } from '../../src/patterns/state.ts';
import { StoreError, type StoredTransaction } from '../../src/store/index.ts';
import { CREATED_AT_MS, KEY, saga } from '../patterns/support/definitions.ts';

const transaction = newTransaction(KEY, saga(1), CREATED_AT_MS);
const EFFECTS = {
  persist: 'wait',
  calls: [],
  check: false,
  wakeAtMs: null,
  passOver: false,
  alert: undefined,
} as const;

it('a record that was claimed during a write that the store rejects is adopted, and the run continues (RN1)', () => {
  const events: string[] = [];
  let written: (result: WriteResult) => void = () => {};
  const dependencies = {
    session: { id: 'session', nowMs: () => CREATED_AT_MS, leaseHeld: () => true },
    committer: { enqueue: (_item: unknown, _id: string, _owned: boolean, done: typeof written) => (written = done) },
    logger: { error: () => {} },
    options: { groups: [], maxInProgress: 10 },
    registry: { taken: 0 },
    doubts: { size: 0 },
    replies: { failed: () => void events.push('caller: not stored') },
    progress: { clear: () => {}, mark: () => {} },
    adoption: { take: ({ version }: StoredTransaction) => void events.push(`adopted ${version}, run ${run.phase}`) },
    runner: () => ({ work: () => void events.push('worked') }),
    newWriteId: () => 'write',
  };
  const writer = new Writer(dependencies as unknown as ConstructorParameters<typeof Writer>[0]);
  const run = Run.ofNew(transaction, '');
  run.applied(run.write(undefined, true, null, 'first'), 1);
  const delivery: Delivery = { event: { kind: 'retry' }, reply: { done() {}, failed() {}, wholePass: false } };

  writer.write(run, { before: transaction, delivery, effects: EFFECTS });
  run.remember({ key: KEY, version: 7 } as StoredTransaction);
  written({ kind: 'failed', error: new StoreError('invalid', 'too large') });

  expect(events).toEqual(['caller: not stored', 'adopted 7, run open', 'worked']);
});
