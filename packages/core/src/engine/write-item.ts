import { encodeDefinition } from '../codec/definition-codec.ts';
import { encodeState } from '../codec/state-codec.ts';
import type { Transaction } from '../model.ts';
import type { InsertItem, UpdateItem } from '../store.ts';
import type { Run } from './run.ts';

/** The write that stores a transaction as it is now: an insert the first time, then an update that holds only on the version this node knows. */
export function writeItem(
  run: Run,
  transaction: Transaction,
  possession: Pick<UpdateItem, 'writeId' | 'owner' | 'dueInMs'>,
): InsertItem | UpdateItem {
  const { state, definition } = transaction;
  const settings = {
    ...possession,
    key: run.key,
    status: state.status,
    attention: state.attention,
    state: encodeState(state),
  };
  if (run.version > 0) return { kind: 'update', ...settings, expectVersion: run.version };
  return {
    kind: 'insert',
    ...settings,
    pattern: definition.pattern,
    group: run.group,
    definition: encodeDefinition(definition),
  };
}
