import { emptyDefinition } from '../codec/definition-codec.ts';
import { decodeState, encodeState } from '../codec/state-codec.ts';
import type { State } from '../patterns/model.ts';
import { newTransaction } from '../patterns/state.ts';
import type { AbortCommand } from '../patterns/step.ts';
import { signed, withLine, withStatus } from '../patterns/timeline.ts';
import type { StoredTransaction, UpdateItem } from '../store/store.ts';
import { STORE_LIMITS } from '../store/rules.ts';

/** Bytes of an unreadable state that its replacement keeps. */
const KEPT_BYTES = STORE_LIMITS.itemBytes / 2;

/** The write that finishes a damaged record, and the state that it stores. */
export interface StoppedRecord {
  readonly item: UpdateItem;
  readonly state: State;
}

/**
 * The force-stop of a record that cannot be read because it is damaged. A readable state is kept;
 * of an unreadable one the bytes are kept behind the new state, for inspection. Definition and
 * entries stay unchanged. The state contains no branches: their effects are unknown.
 */
export function stoppedRecord(
  record: StoredTransaction,
  stop: AbortCommand,
  { writeId, nowMs, why }: { readonly writeId: string; readonly nowMs: number; readonly why: string },
): StoppedRecord {
  const { key, version } = record;
  const known = readableState(record.state);
  const state = ended(known ?? blank(record), stop, why, nowMs);
  const kept = known === undefined ? record.state.subarray(0, KEPT_BYTES) : undefined;
  const item: UpdateItem = {
    kind: 'update',
    key,
    writeId,
    status: 'failed',
    owner: null,
    dueInMs: null,
    attention: false,
    state: encodeState(state, kept),
    expectVersion: version,
  };
  return { item, state };
}

/** Decodes a stored state; undefined if it cannot be read. */
export function readableState(bytes: Uint8Array): State | undefined {
  try {
    return decodeState(bytes);
  } catch {
    return undefined;
  }
}

const blank = ({ key, pattern, createdAtMs }: StoredTransaction): State =>
  newTransaction(key, emptyDefinition(pattern), createdAtMs).state;

function ended(state: State, { reason, by }: AbortCommand, why: string, nowMs: number): State {
  const stopped = `${reason} (its record could not be decoded: ${why}; the effects of its branches are unknown)`;
  const stoppedState: State = {
    ...state,
    attention: false,
    alertDue: false,
    parked: '',
    stopped,
    damaged: why,
    finishedAtMs: nowMs,
  };
  const commanded = withLine(stoppedState, { kind: 'order', atMs: nowMs, detail: 'force-stop' });
  const failed = withStatus(commanded, 'failed', nowMs, stopped);
  return by === undefined ? failed : signed(failed, state.timeline, by);
}
