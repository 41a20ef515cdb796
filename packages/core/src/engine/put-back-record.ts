import { decodeState, encodeState } from '../codec/state-codec.ts';
import type { StoredTransaction, UpdateItem } from '../store/store.ts';
import { shortened } from './parked-record.ts';

/**
 * The write that releases a suspect that this session has claimed and not driven. Earlier claims
 * count, this one does not. `isShort`: with a shortened timeline, since the store has rejected the
 * full state.
 */
export function putBackRecord(
  record: StoredTransaction,
  write: { readonly writeId: string; readonly dueInMs: number; readonly suspicion: number; readonly isShort: boolean },
): UpdateItem {
  const { key, status, version, attention } = record;
  const before = decodeState(record.state);
  const state = { ...(write.isShort ? shortened(before) : before), unbroken: false, suspicion: write.suspicion };
  return {
    kind: 'update',
    key,
    writeId: write.writeId,
    status,
    owner: null,
    dueInMs: write.dueInMs,
    attention,
    state: encodeState(state),
    expectVersion: version,
  };
}
