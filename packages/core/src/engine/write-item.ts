import { encodeDefinition } from '../codec/definition-codec.ts';
import { encodeState } from '../codec/state-codec.ts';
import type { Transaction } from '../patterns/model.ts';
import type { InsertItem, UpdateItem } from '../store/store.ts';
import type { Run } from './run.ts';

/**
 * The write that stores the current transaction: an insert the first time, then an update
 * conditional on the version in this node's memory.
 */
export function writeItem(
  run: Pick<Run, 'version' | 'group'>,
  transaction: Transaction,
  ownership: Pick<UpdateItem, 'writeId' | 'owner' | 'dueInMs'>,
): InsertItem | UpdateItem {
  const { state, definition, key } = transaction;
  const { writeId, owner, dueInMs } = ownership;
  const { status, attention } = state;
  const bytes = encodeState(state);
  // Without spread, for speed: this runs for each write.
  if (run.version > 0)
    return {
      kind: 'update',
      key,
      writeId,
      status,
      owner,
      dueInMs,
      attention,
      state: bytes,
      expectVersion: run.version,
    };
  const { pattern } = definition;
  return {
    kind: 'insert',
    key,
    writeId,
    status,
    owner,
    dueInMs,
    attention,
    state: bytes,
    pattern,
    group: run.group,
    definition: encodeDefinition(definition),
  };
}
