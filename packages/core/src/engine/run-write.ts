import { isFinal } from '@holdfast/protocol';
import type { Transaction } from '../patterns/model.ts';
import type { Effects } from '../patterns/step.ts';
import type { StoredTransaction } from '../store/store.ts';
import type { WriteResult } from './committer.ts';
import type { Delivery, Run } from './run.ts';

/** The step that requested a write. */
export interface Cause {
  readonly before: Transaction;
  readonly delivery: Delivery;
  readonly effects: Effects;
}

/** A write of a run's state that is in flight. */
export interface Write {
  readonly run: Run;
  readonly transaction: Transaction;
  /** Undefined for a write of progress alone. */
  readonly cause: Cause | undefined;
  /** Whether this session owns the record afterwards. */
  readonly hold: boolean;
  readonly dueInMs: number | null;
  readonly writeId: string;
}

/** Whether the store names this session as the owner, as far as the run knows. */
export const ownsRecord = ({ ownership }: Run): boolean => ownership === 'ours' || ownership === 'orphaned';

/**
 * The version that a run has when its release has ended. Without `released` another node has the
 * record, so that no claim of it counts.
 */
export const versionAfter = ({ version, claimed }: Run, released: StoredTransaction | undefined): number =>
  released === undefined ? Math.max(version, claimed?.version ?? 0) : released.version + 1;

/**
 * Whether the record of a run that owns it is missing, or older than the acknowledged version:
 * versions never decrease.
 */
export const hasWentBack = ({ run, transaction }: Write, result: WriteResult): boolean => {
  if (run.ownership !== 'ours' || run.version === 0) return false;
  // A finished record that is written again may have been purged since.
  if (result.kind === 'missing') return !isFinal(transaction.state.status);
  // A damaged record has no version.
  return result.kind === 'conflict' && result.version > 0 && result.version < run.version;
};
