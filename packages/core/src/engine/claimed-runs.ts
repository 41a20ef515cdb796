import type { Clock } from '../environment.ts';
import type { StoredTransaction } from '../store/store.ts';
import { bodyBytes } from '../store-kit/room.ts';
import type { Run } from './run.ts';

/** A run, and the record that a claim returned for it. */
export interface ClaimedRun {
  readonly run: Run;
  readonly record: StoredTransaction;
}

/**
 * Bytes of records that are opened before other events are processed, and the overhead in bytes
 * that is added for each record.
 */
const SLICE_BYTES = 128 * 1024;
const BYTES_OF_A_RECORD = 4 * 1024;

/**
 * Opens the records of a claim. `open` decodes the record, steps its transaction and starts what is
 * due, which takes a hundred milliseconds for fifty sagas of a thousand steps. Until its turn a run
 * is in memory in phase `loading`, so that events for it wait; a run that has left this phase is
 * not opened.
 */
export function openInTurns(
  claimed: readonly ClaimedRun[],
  clock: Clock,
  open: (run: Run, record: StoredTransaction) => void,
  from = 0,
): void {
  let bytes = 0;
  for (let i = from; i < claimed.length; i++) {
    const { run, record } = claimed[i] as ClaimedRun;
    if (bytes > SLICE_BYTES) return void clock.setTimer(0, () => openInTurns(claimed, clock, open, i));
    bytes += BYTES_OF_A_RECORD + bodyBytes(record);
    if (run.phase === 'loading') open(run, record);
  }
}
