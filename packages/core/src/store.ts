import type { Pattern, Status, TransactionKey } from '@holdfast/protocol';

/**
 * The Store contract: what the engine asks of a database, in the engine's words. A driver knows nothing of patterns; it keeps records,
 * compares versions and finds due work.
 *
 * Rules that hold for every driver (the suite in `@holdfast/conformance` checks them):
 *
 * S1  `write` answers only when every applied item is durable (see `capabilities.durable`).
 * S2  A version grows by exactly one with each change of a record; a conditional item changes nothing unless its condition holds.
 * S3  A batch holds at most one item a key. An item that cannot be applied does not hinder its
 *     neighbours: it waits a few seconds at most for a record that another client of the database
 *     has locked, and is `blocked` then.
 * S4  An item that was applied already is recognised by its write id and answers `applied` again with the version that it made, even when a
 *     claim or an append came after it (a write whose outcome was unknown is simply sent again). An append is recognised by the keys of its
 *     entries and answers the present version.
 * S5  Keys are compared whole: a gid that is a prefix of another never sees its branches.
 * S6  Only the store's clock decides what is due; callers pass durations. The store's time never
 *     goes back, and it advances at a normal pace (at least 99 %) also while
 *     the wall clock it is taken from is behind.
 * S7  Nothing unfinished ever expires, and what is finished stays finished: an update to an unfinished status is a `conflict` then.
 * S8  What a call was given stays unchanged until it answered; what it answered is never changed afterwards.
 * S9  `get`, `versions`, `kvGet` and `kvScan` return what the last write that returned before the call began has
 *     stored, or something newer, whichever node wrote it. `list`, `count` and `sessions` return committed data, each
 *     part as it was at some moment of the call. The engine takes ownership and decides by writes alone (`claimDue`, and
 *     conditional items): a read that breaks this rule makes it slow, and may give a caller an outdated view.
 */
export interface Store {
  readonly capabilities: StoreCapabilities;

  /**
   * Opens, creating or migrating the schema; answers what it found and what it left. Throws `StoreError` `locked` when another process holds an exclusive
   * store.
   */
  open(): Promise<SchemaVersions>;
  /**
   * Waits for the calls in progress, then closes. Calling it twice is harmless.
   *
   * @param idle for drivers: resolves when no call is in progress. A driver whose server may be
   *   silent waits for it for a few seconds at most; the calls that are left then fail.
   */
  close(idle?: Promise<void>): Promise<void>;

  /** Applies a batch in one durable write; answers in the order of the items. */
  write(batch: readonly WriteItem[]): Promise<WriteOutcome[]>;
  /** The latest records of these keys (S9), in their order; undefined where there is none. */
  get(keys: readonly TransactionKey[]): Promise<(StoredTransaction | undefined)[]>;
  /** The latest versions of these keys (S9), in their order; undefined where there is no record. Reads no bodies: nodes ask it about what they own, every second. */
  versions(keys: readonly TransactionKey[]): Promise<(number | undefined)[]>;
  /**
   * One page, newest first by (createdAtMs, gid); gids of the same millisecond in any total order.
   * The work of one call is bounded: a page may be short, even empty, and still have a `next`,
   * because a filter matches little or because the next record would exceed `maxBytes`.
   */
  list(query: ListQuery): Promise<Page<StoredTransaction>>;
  /** How many records there are of each status, and how many need a person. Exact, and cheap enough to ask every few seconds. */
  count(namespace?: string): Promise<StoreCounts>;

  /**
   * Takes ownership of due, unowned, unfinished transactions, earliest due first:
   * owner := session, version + 1, claims + 1. A record with a status or pattern that this version does
   * not know is left to the nodes of a later one.
   */
  claimDue(request: ClaimRequest): Promise<ClaimResult>;
  /** Makes unowned, unfinished transactions that are due later than `laterThanMs` from now due at once (version + 1). */
  makeDue(request: {
    readonly namespace: string;
    readonly laterThanMs: number;
    readonly limit: number;
  }): Promise<{ readonly count: number; readonly more: boolean }>;

  /** Registers a session; its first heartbeat is now. Ids are never used twice: `invalid` when it was ended. Sending it again is harmless. */
  openSession(session: SessionId, info: SessionInfo): Promise<void>;
  /**
   * Records that the session is alive. `alive` is false once it was ended, or when it is unknown;
   * it never becomes alive again.
   */
  heartbeat(session: SessionId): Promise<Heartbeat>;
  /** Ends a session. What it still owns is released by the next `takeOver`. */
  endSession(session: SessionId): Promise<void>;
  /**
   * Ends the sessions that were silent for longer than `silenceMs` (all but `keep`), then releases up to `limit` unfinished transactions whose
   * owner is not a living session: owner := null, due at once, version + 1, claims unchanged.
   *
   * With `unchanged`, only the sessions given there are ended, and each only while its last
   * heartbeat is still the one given. The store's clock may be set forward, and all sessions then
   * look silent to it. A session therefore ends only after its heartbeat stayed unchanged for the
   * silence limit on the monotonic clock of the node that calls as well.
   */
  takeOver(request: {
    readonly silenceMs: number;
    readonly unchanged?: readonly HeartbeatSeen[];
    readonly keep: SessionId;
    readonly limit: number;
  }): Promise<TakeOverResult>;
  /** The living sessions, and how many unfinished transactions each of them owns: counted over an index of what is owned, not over all records. */
  sessions(): Promise<SessionRow[]>;

  /** Versioned key-values (topics, settings). */
  kvGet(id: KeyValueId): Promise<KeyValue | undefined>;
  /** Writes when the stored version is `expectVersion` (0: there is none yet). */
  kvPut(id: KeyValueId, value: string, expectVersion: number): Promise<'applied' | 'conflict'>;
  /** Deletes when the stored version is `expectVersion`. */
  kvDelete(id: KeyValueId, expectVersion: number): Promise<'applied' | 'conflict' | 'missing'>;
  /** One page of a category, by key. A page may be short and still have a `next`, because of `maxBytes`. */
  kvScan(query: {
    readonly namespace: string;
    readonly category: string;
    readonly cursor?: string;
    readonly limit: number;
    /**
     * Bound of the values of a page, in bytes of UTF-8; `STORE_LIMITS.answerBytes` by default. The first value is part
     * of the page whatever its size. What is beyond the bound is not read.
     */
    readonly maxBytes?: number;
  }): Promise<Page<KeyValue>>;

  /** Deletes up to `limit` transactions that finished more than `olderThanMs` ago, oldest first; answers how many. */
  purge(request: { readonly olderThanMs: number; readonly limit: number }): Promise<number>;
  /** The store's time, ms since the epoch. A round trip: also serves as the readiness check. */
  nowMs(): Promise<number>;
}

export interface StoreCapabilities {
  /** For people, such as `memory` or `lmdb`. */
  readonly name: string;
  /** False for a store that forgets at exit. */
  readonly durable: boolean;
  /** True when one process at a time may open it: opening ends all earlier sessions at once. */
  readonly exclusive: boolean;
}

/** Versions of a schema, before and after it was opened. */
export interface SchemaVersions {
  /** 0: there was none, and it was created. */
  readonly found: number;
  readonly current: number;
}

/** A node's incarnation: node id and a part that is new at every start. */
export type SessionId = string;

export interface Heartbeat {
  readonly alive: boolean;
  /** The store's time now, and the time of this heartbeat. */
  readonly nowMs: number;
  /**
   * The time of the session's heartbeat before this one; null: the store has no such session, alive
   * or ended. By it a session notices that the store has lost what it acknowledged.
   */
  readonly lastMs: number | null;
}

export interface SessionInfo {
  /** Where it runs, for people: host, pid. */
  readonly node: string;
  readonly version: string;
}

export interface SessionRow extends SessionInfo {
  readonly session: SessionId;
  readonly startedAtMs: number;
  readonly heartbeatAtMs: number;
  /** Transactions that it owns. */
  readonly owned: number;
}

/** What was added to a transaction from outside after its creation: a registered branch, an order. Its key is unique within the transaction. */
export interface Entry {
  readonly key: string;
  readonly body: Uint8Array;
}

/** One transaction as stored. `definition`, `state` and the bodies of `entries` are opaque to a driver. */
export interface StoredTransaction {
  readonly key: TransactionKey;
  readonly pattern: Pattern;
  /** Application group whose nodes may claim it; empty for any node. */
  readonly group: string;
  readonly status: Status;
  /** Fencing version: starts at 1. */
  readonly version: number;
  /** Write id of the last insert or update. */
  readonly writeId: string;
  readonly owner: SessionId | null;
  /** How often it was claimed since its last orderly write; an insert or update by an owner leaves 1, one that releases leaves 0. */
  readonly claims: number;
  /** When it is due (`dueAtMs` ≤ now); null: never by itself (finished, parked, or owned). */
  readonly dueAtMs: number | null;
  /** It needs a person. */
  readonly attention: boolean;
  readonly createdAtMs: number;
  /** When the version last grew. */
  readonly updatedAtMs: number;
  readonly finishedAtMs: number | null;
  readonly definition: Uint8Array;
  readonly state: Uint8Array;
  /** In the order in which they were appended. */
  readonly entries: readonly Entry[];
  /**
   * Why this version of Holdfast cannot drive the record: a later version wrote its status or
   * pattern, of which `status` and `pattern` are placeholders, or the record is `damaged`.
   */
  readonly unreadable?: string;
  /**
   * Something other than Holdfast changed the record, and the store driver cannot read all of it.
   * What could not be read is a placeholder; a `version` that could not be read is 0, and an update
   * that expects 0 and has a final status then replaces the record, so that an operator can end it.
   * Nothing else changes such a record.
   */
  readonly damaged?: true;
  /**
   * The server refused to return the bodies, as PostgreSQL does when a page is damaged: definition,
   * state and entries are empty, and the rest of the record is as stored. A later read may return
   * them. Always with `unreadable`.
   */
  readonly withoutBodies?: true;
}

/** What an insert or an update sets. A final status clears owner and due time whatever is said here, and sets the finishing time. */
interface Settings {
  readonly key: TransactionKey;
  /** Unique to this write; the same when the write is sent again. */
  readonly writeId: string;
  readonly status: Status;
  readonly owner: SessionId | null;
  /** Due so many ms from now by the store's clock; null: never by itself. An owned record has null: anything else is `invalid`. */
  readonly dueInMs: number | null;
  readonly attention: boolean;
  readonly state: Uint8Array;
}

/** Creates a record: `conflict` when the key exists (unless with this write id). */
export interface InsertItem extends Settings {
  readonly kind: 'insert';
  readonly pattern: Pattern;
  readonly group: string;
  readonly definition: Uint8Array;
}

/** Changes a record whose version is `expectVersion`. */
export interface UpdateItem extends Settings {
  readonly kind: 'update';
  readonly expectVersion: number;
}

/**
 * Adds entries while the status is one of `whenStatus` and the record has room for all of them
 * (`maxEntries` and `maxBytes`, counting those there), else answers `conflict` and adds none; the
 * version grows by one. Entries whose key is there already are left as they are; when all are,
 * nothing changes and the outcome is `applied` whatever the status. The outcome tells the entries that were there, in the item's order.
 */
export interface AppendItem {
  readonly kind: 'append';
  readonly key: TransactionKey;
  readonly whenStatus: readonly Status[];
  /** A record of another pattern is a `conflict`, too. Left out: of any. */
  readonly whenPattern?: Pattern;
  readonly entries: readonly Entry[];
  readonly maxEntries: number;
  /**
   * Bound of the bodies of all entries of the record, in bytes; a store may count their keys as well.
   * Left out: none.
   */
  readonly maxBytes?: number;
  /** Moves the due time of a record that has one (is unowned and waiting) to so many ms from now. */
  readonly postponeMs?: number;
}

export type WriteItem = InsertItem | UpdateItem | AppendItem;

export type WriteOutcome =
  | { readonly kind: 'applied'; readonly version: number; readonly existing: readonly Entry[] }
  | {
      readonly kind: 'conflict';
      readonly status: Status;
      readonly version: number;
      /** An append whose other conditions hold has no room: the bound that it would exceed. */
      readonly full?: 'entries' | 'bytes';
    }
  | { readonly kind: 'missing' }
  | Blocked;

/**
 * The item was not applied although its neighbours were: another client of the database has its
 * record locked, or the database refuses this item for a reason that may pass. Nothing of it was
 * applied; send it again later.
 */
export interface Blocked {
  readonly kind: 'blocked';
  /** For the log. */
  readonly why: string;
}

export interface ClaimRequest {
  readonly session: SessionId;
  readonly limit: number;
  /**
   * Bound of the bodies (definition, state, entries) of what is claimed, in bytes;
   * `STORE_LIMITS.answerBytes` by default. The first record is claimed whatever its size.
   */
  readonly maxBytes?: number;
  /** Application groups this node hosts; the empty group belongs to every node and is always included. */
  readonly groups: readonly string[];
}

export interface ClaimResult {
  /** The records as they are after the claim. */
  readonly claimed: readonly StoredTransaction[];
  /** How long until the next unclaimed one of these groups is due (0: more are due now); null: none waits. */
  readonly nextDueInMs: number | null;
  /**
   * The session has ended, and `claimed` is empty. What an earlier step of the same call claimed is
   * released by the next `takeOver`.
   */
  readonly sessionEnded: boolean;
}

/** A session, and its last heartbeat as `sessions` returned it. */
export type HeartbeatSeen = Pick<SessionRow, 'session' | 'heartbeatAtMs'>;

export interface TakeOverResult {
  readonly ended: readonly SessionId[];
  readonly released: number;
  /** The limit was reached: call again. */
  readonly more: boolean;
}

export interface ListQuery {
  readonly namespace: string;
  readonly gid?: string;
  readonly status?: Status;
  readonly pattern?: Pattern;
  readonly attention?: boolean;
  /** Inclusive. */
  readonly createdFromMs?: number;
  /** Inclusive. */
  readonly createdToMs?: number;
  /** From the page before. */
  readonly cursor?: string;
  readonly limit: number;
  /**
   * Bound of the bodies of a page, in bytes; `STORE_LIMITS.answerBytes` by default. The first
   * record is part of the page whatever its size. What is beyond the bound is not read.
   */
  readonly maxBytes?: number;
  /**
   * The records come without their definition and entries (both are empty), which are not read:
   * for lists that show no payload.
   */
  readonly summary?: boolean;
}

export interface Page<T> {
  readonly items: readonly T[];
  /** Keyset cursor of the next page; null on the last one. */
  readonly next: string | null;
}

export interface StoreCounts {
  readonly byStatus: Readonly<Record<Status, number>>;
  readonly attention: number;
}

export interface KeyValueId {
  readonly namespace: string;
  readonly category: string;
  readonly key: string;
}

export interface KeyValue extends KeyValueId {
  readonly value: string;
  /** Starts at 1, grows by one with each change. */
  readonly version: number;
  readonly createdAtMs: number;
  readonly updatedAtMs: number;
}

/**
 * - `closed`: not open.
 * - `locked`: another process has it open.
 * - `invalid`: the call breaks the contract, or a cursor is not one of ours.
 * - `unsupported_format`: written by a newer Holdfast.
 * - `unavailable`: could not be reached or failed; nothing of the call was applied.
 * - `outcome_unknown`: the connection was lost while committing; send the same items again.
 * - `rejected`: one item of the batch cannot be stored; nothing was applied. The caller bisects.
 */
export type StoreErrorCode =
  'closed' | 'locked' | 'invalid' | 'unsupported_format' | 'unavailable' | 'outcome_unknown' | 'rejected';

export class StoreError extends Error {
  override readonly name = 'StoreError';
  readonly code: StoreErrorCode;

  constructor(code: StoreErrorCode, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
  }
}
