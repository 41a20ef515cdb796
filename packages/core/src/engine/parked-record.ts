import { encodeState, decodeState } from '../codec/state-codec.ts';
import type { State } from '../patterns/model.ts';
import { ALERT_AGAIN_MS } from '../patterns/conclude.ts';
import { withLine } from '../patterns/timeline.ts';
import type { StoredTransaction, UpdateItem } from '../store/store.ts';

/** The reason of a park is cut to this length. */
const MAX_REASON = 500;
/**
 * Timeline lines that a parked record keeps, so that it is smaller than before: the store has
 * accepted the larger record once.
 */
const KEEP_LINES = 20;

/**
 * The write that releases a record that this session owns and cannot drive: parked, for an operator
 * to retry. The write is made from the stored record, since the state in memory may be the one that
 * cannot be stored. Calls started since that record was written are no longer known, so `unbroken`
 * becomes false. A state that cannot be read is kept unchanged.
 */
export function parkedRecord(
  record: StoredTransaction,
  reason: string,
  { writeId, nowMs, alertDue }: { readonly writeId: string; readonly nowMs: number; readonly alertDue: boolean },
): UpdateItem {
  const { key, status, version } = record;
  const state = parkedState(record.state, reason.slice(0, MAX_REASON), nowMs, alertDue);
  return {
    kind: 'update',
    key,
    writeId,
    status,
    owner: null,
    // Resumed to raise its alert until that is acknowledged; a record that cannot be read is not
    // resumed.
    dueInMs: state === record.state || !alertDue ? null : ALERT_AGAIN_MS,
    attention: true,
    state,
    expectVersion: version,
  };
}

function parkedState(bytes: Uint8Array, reason: string, nowMs: number, alertDue: boolean): Uint8Array {
  try {
    const state = parked(decodeState(bytes), reason, alertDue);
    return encodeState(withLine(state, { kind: 'parked', atMs: nowMs, detail: reason }));
  } catch {
    return bytes;
  }
}

function parked(state: State, reason: string, alertDue: boolean): State {
  return {
    ...shortened(state),
    unbroken: false,
    suspicion: 0,
    attention: true,
    alertDue,
    parked: reason,
  };
}

/** The state with its growing parts shortened, so that it is smaller than before. */
export function shortened(state: State): State {
  const { timeline: all } = state;
  const timeline = all.length <= KEEP_LINES ? all : [...all.slice(0, KEEP_LINES / 2), ...all.slice(-KEEP_LINES / 2)];
  return {
    ...state,
    rollbackReason: state.rollbackReason.slice(0, MAX_REASON),
    timeline,
    timelineOmitted: state.timelineOmitted + all.length - timeline.length,
  };
}
