import type { TransactionKey } from '@holdfast/protocol';
import type { TransactionInput } from '../coordinator.ts';
import { encodeDefinition } from '../codec/definition-codec.ts';
import { encodeRegistration } from '../codec/entry-codec.ts';
import { decodeState, encodeState } from '../codec/state-codec.ts';
import type { Definition, RegisteredBranch, State, Transaction } from '../patterns/model.ts';
import { IMPORT_UNFINISHED, newTransaction, withRegistered } from '../patterns/state.ts';
import { withLine } from '../patterns/timeline.ts';
import type { AppendItem, InsertItem, StoredTransaction, UpdateItem } from '../store/store.ts';
import { roomFor } from './registrations.ts';
import { acceptDefinition, acceptRegistrations, groupOf } from './accept.ts';

/**
 * A transaction that another coordinator has begun and this store is to continue. It is written in
 * three steps, so that a process that ends in between leaves nothing that could be driven:
 * `importInsert` creates a parked record, `importAppend` adds the registered branches, and
 * `importActivate` releases the record with its state. Each step may be repeated.
 */
export interface ImportedTransaction {
  readonly key: TransactionKey;
  readonly definition: Definition;
  readonly registered: readonly RegisteredBranch[];
  readonly state: State;
  /** Time until the first attempt; null: it waits for its client. */
  readonly dueInMs: number | null;
}

/** The beginning of the timeline's line about the import. */
const IMPORTED = 'imported: ';
/** Write IDs of an import, which are the same whenever it is repeated. */
const INSERT_ID = 'import:insert';
const ACTIVATE_ID = 'import:activate';

/** Checks a definition as if a client had sent it. Throws `HoldfastError`. */
export const importedDefinition = (input: TransactionInput): Definition => acceptDefinition(input);

/** Checks registered branches as if a client had sent them. Throws `HoldfastError`. */
export const checkImportedBranches = (
  gid: string,
  definition: Definition,
  registered: readonly RegisteredBranch[],
): void => acceptRegistrations(gid, definition.pattern, registered);

/** The transaction before anything was called; its registered branches have their outcomes. */
export const notStarted = (
  key: TransactionKey,
  definition: Definition,
  registered: readonly RegisteredBranch[],
  nowMs: number,
): Transaction => withRegistered(newTransaction(key, definition, nowMs), registered);

/** The first step. `conflict`: there is a record of this gid; see `importProgress`. */
export function importInsert({ key, definition, state }: ImportedTransaction): InsertItem {
  const waiting: State = { ...state, branches: [], compensate: [], parked: IMPORT_UNFINISHED };
  return {
    kind: 'insert',
    key,
    writeId: INSERT_ID,
    status: state.status,
    owner: null,
    dueInMs: null,
    attention: false,
    pattern: definition.pattern,
    group: groupOf(key.gid, definition),
    definition: encodeDefinition(definition),
    state: encodeState(waiting),
  };
}

/** The second step, for a transaction with registered branches. */
export function importAppend({ key, definition, registered }: ImportedTransaction): AppendItem | undefined {
  if (registered.length === 0) return undefined;
  return {
    kind: 'append',
    key,
    // The status may have changed in dtm since an earlier import began.
    whenStatus: ['prepared', 'submitted', 'aborting'],
    entries: registered.map(encodeRegistration),
    ...roomFor(definition.pattern, registered),
  };
}

/** The last step; `version` is that of the record after the others. */
export function importActivate(
  { key, state, dueInMs }: ImportedTransaction,
  version: number,
  source: string,
  nowMs: number,
): UpdateItem {
  const line = { kind: 'order', atMs: nowMs, detail: IMPORTED + source } as const;
  return {
    kind: 'update',
    key,
    expectVersion: version,
    writeId: ACTIVATE_ID,
    status: state.status,
    owner: null,
    dueInMs,
    attention: false,
    state: encodeState(withLine(state, line)),
  };
}

/**
 * What a record is to an import: `begun` by an earlier one and to be completed, `done`, or `other`,
 * of a client. A record that cannot be read is `other` as well.
 */
export function importProgress(record: StoredTransaction): 'begun' | 'done' | 'other' {
  try {
    const { parked, timeline } = decodeState(record.state);
    if (parked === IMPORT_UNFINISHED) return 'begun';
    return timeline.some((line) => line.kind === 'order' && line.detail.startsWith(IMPORTED)) ? 'done' : 'other';
  } catch {
    return 'other';
  }
}
