import { isFinal } from '@holdfast/protocol';
import type { EngineObserver } from '../observer.ts';
import type { Transaction } from '../patterns/model.ts';
import type { StoredTransaction } from '../store/store.ts';
import type { WriteResult } from './committer.ts';
import type { Run } from './run.ts';
import type { Memory } from './memory.ts';
import type { Writing } from './run-state.ts';
import type { Session } from './session.ts';

/** Whether the store names this session as the owner, as far as the run knows. */
export const ownsRecord = ({ ownership }: Memory): boolean => ownership === 'ours' || ownership === 'orphaned';

/**
 * The version that a run has when its release has ended. Without `released` another node has the
 * record, so that no claim of it counts.
 */
export const versionAfter = ({ version, claimed }: Memory, released: StoredTransaction | undefined): number =>
  released === undefined ? Math.max(version, claimed?.version ?? 0) : released.version + 1;

/**
 * Whether the record of a run that owns it is missing, or older than the acknowledged version:
 * versions never decrease.
 */
export const hasWentBack = (run: Run, { known }: Writing, result: WriteResult): boolean => {
  if (run.ownership !== 'ours' || run.version === 0) return false;
  // A finished record that is written again may have been purged since.
  if (result.kind === 'missing') return !isFinal(known.transaction.state.status);
  // A damaged record has no version.
  return result.kind === 'conflict' && result.version > 0 && result.version < run.version;
};

/** Reports a write that was applied. `created`: it was the first of its transaction. */
export function observeWrite(
  { observer, session }: { readonly observer: EngineObserver; readonly session: Session },
  { definition, state, createdAtMs }: Transaction,
  created: boolean,
): void {
  if (created) observer.transactionAccepted(definition.pattern);
  if (isFinal(state.status))
    observer.transactionFinished(definition.pattern, state.status, session.nowMs() - createdAtMs);
}
