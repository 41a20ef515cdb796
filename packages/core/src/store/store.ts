import type { Pattern, Status, TransactionKey } from '@holdfast/protocol';

/**
 * The Store contract: the operations that the engine needs from a database, in the engine's terms.
 * A store driver does not depend on patterns; it keeps records, compares versions and finds due
 * work.
 *
 * Rules for every store driver (checked by the suite in `@holdfast/conformance`):
 *
 * S1  `write` resolves only when every applied item is durable (see `capabilities.durable`).
 * S2  A version increases by exactly one with each change of a record; a conditional item changes
 *     nothing unless its condition holds.
 * S3  A batch has at most one item per key. An item that cannot be applied does not affect its
 *     neighbours: it waits at most a few seconds for a record that another client of the database
 *     has locked, and is then `blocked`.
 * S4  An item that was already applied is recognised by its write ID and returns `applied` again
 *     with the version that it created, even if a claim or an append followed (a write with unknown
 *     outcome is simply sent again). An append is recognised by the keys of its entries and returns
 *     the current version.
 * S5  Keys are compared as a whole: a gid that is a prefix of another never sees its branches.
 * S6  Only the store's clock decides what is due; callers pass durations. The store's time never
 *     goes back, and it advances at a normal rate (at least 99 %) even while the wall clock on
 *     which it is based is behind.
 * S7  An unfinished record never expires, and a finished one stays finished: an update to an
 *     unfinished status is then a `conflict`.
 * S8  The caller does not change the arguments of a call until it settles; the store never changes
 *     a returned value.
 * S9  `get`, `versions`, `kvGet` and `kvScan` return the data stored by the last write that
 *     returned before the call began, or newer data, whichever node wrote it. `list`, `count` and
 *     `sessions` return committed data, each part as of some moment during the call. The engine
 *     takes ownership and decides only by writes (`claimDue`, and conditional items): a read that
 *     violates this rule makes the engine slow, and may give a caller an outdated view.
 */
export interface Store {
  readonly capabilities: StoreCapabilities;

  /**
   * Opens the store, creating or migrating the schema; resolves to the versions before and after.
   * Throws `StoreError` `locked` if another process holds an exclusive store.
   */
  open(): Promise<SchemaVersions>;
  /**
   * Waits for the calls in progress, then closes. Calling it twice is harmless.
   * @param idle for store drivers: resolves when no call is in progress. A store driver whose
   * server may be silent waits for it at most a few seconds; the remaining calls then fail.
   */
  close(idle?: Promise<void>): Promise<void>;

  /** Applies a batch in one durable write; resolves to the outcomes in the order of the items. */
  write(batch: readonly WriteItem[]): Promise<WriteOutcome[]>;
  /** The latest records of these keys (S9), in order; undefined where there is none. */
  get(keys: readonly TransactionKey[]): Promise<(StoredTransaction | undefined)[]>;
  /**
   * The latest versions of these keys (S9), in order; undefined where there is no record. Reads no
   * bodies: nodes call it every second for the records that they own.
   */
  versions(keys: readonly TransactionKey[]): Promise<(number | undefined)[]>;
  /**
   * One page, newest first by (createdAtMs, gid); gids of the same millisecond in any total order.
   * The work of one call is bounded: a page may be short, even empty, and still have a `next`,
   * because a filter matches little or because the next record would exceed `maxBytes`.
   */
  list(query: ListQuery): Promise<Page<StoredTransaction>>;
  /**
   * Number of records by status, and number of records that need operator attention. Exact, and
   * cheap enough to call every few seconds.
   */
  count(namespace?: string): Promise<StoreCounts>;

  /**
   * Takes ownership of due, unowned, unfinished transactions, earliest due time first: owner :=
   * session, version + 1, claims + 1. A record with a status or pattern that this version does not
   * have is left to nodes of a later version.
   */
  claimDue(request: ClaimRequest): Promise<ClaimResult>;
  /**
   * Makes unowned, unfinished transactions that are due later than `laterThanMs` from now due at
   * once (version + 1).
   */
  makeDue(request: MakeDueRequest): Promise<MakeDueResult>;

  /**
   * Registers a session, with its first heartbeat now. IDs are never reused: `invalid` if the
   * session has ended. Repeating the call is harmless.
   */
  openSession(session: SessionId, info: SessionInfo): Promise<void>;
  /**
   * Records that the session is alive. `alive` is false if the session has ended or is unknown; it
   * never becomes alive again.
   */
  heartbeat(session: SessionId): Promise<Heartbeat>;
  /** Ends a session. The next `takeOver` releases the records that it still owns. */
  endSession(session: SessionId): Promise<void>;
  /**
   * Ends the sessions that were silent for longer than `silenceMs` (all but `keep`), then releases
   * up to `limit` unfinished transactions whose owner is not a live session: owner := null, due at
   * once, version + 1, claims unchanged.
   *
   * With `unchanged`, only the given sessions are ended, and each only while its last heartbeat is
   * the given one. The store's clock may be set forward, and then all sessions seem silent by it.
   * So a session ends only after its heartbeat has also stayed unchanged for the silence limit on
   * the monotonic clock of the calling node.
   */
  takeOver(request: TakeOverRequest): Promise<TakeOverResult>;
  /**
   * The live sessions, with the number of unfinished transactions that each owns, counted over an
   * index of owned records rather than over all records.
   */
  sessions(): Promise<SessionRow[]>;

  /** Versioned key-values (topics, settings). */
  kvGet(id: KeyValueId): Promise<KeyValue | undefined>;
  /** Writes if the stored version is `expectVersion` (0: there is none yet). */
  kvPut(id: KeyValueId, value: string, expectVersion: number): Promise<PutOutcome>;
  /** Deletes if the stored version is `expectVersion`. */
  kvDelete(id: KeyValueId, expectVersion: number): Promise<DeleteOutcome>;
  /**
   * One page of a category, by key. A page may be short and still have a `next`, because of
   * `maxBytes`.
   */
  kvScan(query: KeyValueQuery): Promise<Page<KeyValue>>;

  /**
   * Deletes up to `limit` transactions that finished more than `olderThanMs` ago, oldest first;
   * resolves to their number.
   */
  purge(request: PurgeRequest): Promise<number>;
  /**
   * The store's time, ms since the epoch. A round trip, which also serves as the readiness check.
   */
  nowMs(): Promise<number>;
}

export interface StoreCapabilities {
  /** Display name, such as `memory` or `lmdb`. */
  readonly name: string;
  /** False for a store whose data is lost at exit. */
  readonly durable: boolean;
  /**
   * True if only one process at a time may open the store: opening ends all earlier sessions at
   * once.
   */
  readonly exclusive: boolean;
}

/** Versions of a schema, before and after it was opened. */
export interface SchemaVersions {
  /** 0: there was no schema; it was created. */
  readonly found: number;
  readonly current: number;
}

/** A node's incarnation: node ID and a part that is new at every start. */
export type SessionId = string;

export interface Heartbeat {
  readonly alive: boolean;
  /** The store's current time, which is the time of this heartbeat. */
  readonly nowMs: number;
  /**
   * The time of the session's previous heartbeat; null: the store has no such session, alive or
   * ended. It lets a session detect that the store has lost acknowledged writes.
   */
  readonly lastMs: number | null;
}

export interface SessionInfo {
  /** Display name of the node: host, pid. */
  readonly node: string;
  readonly version: string;
}

export interface SessionRow extends SessionInfo {
  readonly session: SessionId;
  readonly startedAtMs: number;
  readonly heartbeatAtMs: number;
  /** Number of unfinished transactions that the session owns. */
  readonly owned: number;
}

/**
 * An item appended to a transaction after its creation: a registered branch or an operator command.
 * Its key is unique within the transaction.
 */
export interface Entry {
  readonly key: string;
  readonly body: Uint8Array;
}

/**
 * One transaction as stored. `definition`, `state` and the bodies of `entries` are opaque to a
 * store driver.
 */
export interface StoredTransaction {
  readonly key: TransactionKey;
  readonly pattern: Pattern;
  /** Application group whose nodes may claim it; empty for any node. */
  readonly group: string;
  readonly status: Status;
  /** Fencing version, from 1. */
  readonly version: number;
  /** Write ID of the last insert or update. */
  readonly writeId: string;
  readonly owner: SessionId | null;
  /**
   * Number of claims since the last insert or update; one of these sets 1 if it keeps an owner, 0
   * if it releases.
   */
  readonly claims: number;
  /** Due time (due if `dueAtMs` ≤ now); null: never (finished, parked, or owned). */
  readonly dueAtMs: number | null;
  /** Whether the transaction needs operator attention. */
  readonly attention: boolean;
  readonly createdAtMs: number;
  /** Time of the last change of the version. */
  readonly updatedAtMs: number;
  readonly finishedAtMs: number | null;
  readonly definition: Uint8Array;
  readonly state: Uint8Array;
  /** In the order in which they were appended. */
  readonly entries: readonly Entry[];
  /**
   * Why this version of Holdfast cannot drive the record: a later version wrote its status or
   * pattern (`status` and `pattern` are then placeholders), or the record is `damaged`.
   */
  readonly unreadable?: string;
  /**
   * A program other than Holdfast changed the record, and the store driver cannot read all of it.
   * Unreadable parts are placeholders; an unreadable `version` is 0, and an update that expects 0
   * and has a final status then replaces the record, so that an operator can force-stop it. No
   * other call changes such a record.
   */
  readonly damaged?: true;
  /**
   * The server did not return the bodies, as PostgreSQL does if a page is damaged: definition,
   * state and entries are empty, and the rest of the record is as stored. A later read may return
   * them. Always with `unreadable`.
   */
  readonly withoutBodies?: true;
}

/**
 * The fields set by an insert or an update. A final status clears owner and due time, whatever
 * their values here, and sets the finish time.
 */
interface Settings {
  readonly key: TransactionKey;
  /** Unique to this write; the same if the write is sent again. */
  readonly writeId: string;
  readonly status: Status;
  readonly owner: SessionId | null;
  /**
   * Time until the record is due, by the store's clock; null: never. For an owned record any value
   * other than null is `invalid`.
   */
  readonly dueInMs: number | null;
  readonly attention: boolean;
  readonly state: Uint8Array;
}

/** Creates a record: `conflict` if the key exists (unless with this write ID). */
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
 * Adds entries if the status is one of `whenStatus` and the record has room for all of them
 * (`maxEntries` and `maxBytes`, including the existing ones); otherwise returns `conflict` and adds
 * none. The version increases by one. Entries with an existing key are left unchanged; if all keys
 * exist, nothing changes and the outcome is `applied`, whatever the status. The outcome contains
 * the existing entries, in the item's order.
 */
export interface AppendItem {
  readonly kind: 'append';
  readonly key: TransactionKey;
  readonly whenStatus: readonly Status[];
  /** A record of another pattern is also a `conflict`. Absent: any pattern. */
  readonly whenPattern?: Pattern;
  readonly entries: readonly Entry[];
  readonly maxEntries: number;
  /**
   * Limit of the bodies of all entries of the record, in bytes; a store may include their keys.
   * Absent: no limit.
   */
  readonly maxBytes?: number;
  /** Sets the due time of a waiting, unowned record to `postponeMs` from now. */
  readonly postponeMs?: number;
}

export type WriteItem = InsertItem | UpdateItem | AppendItem;

export type WriteOutcome =
  | { readonly kind: 'applied'; readonly version: number; readonly existing: readonly Entry[] }
  | {
      readonly kind: 'conflict';
      readonly status: Status;
      readonly version: number;
      /** The limit that the append would exceed, if its other conditions hold. */
      readonly full?: 'entries' | 'bytes';
    }
  | { readonly kind: 'missing' }
  | Blocked;

/**
 * The item was not applied although its neighbours were: another client of the database has locked
 * its record, or the database rejects this item for a reason that may be temporary. Nothing of it
 * was applied; send it again later.
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
   * Limit of the bodies (definition, state, entries) of the claimed records, in bytes;
   * `STORE_LIMITS.responseBytes` by default. The first record is claimed whatever its size.
   */
  readonly maxBytes?: number;
  /**
   * Application groups hosted by this node; the empty group belongs to every node and is always
   * included.
   */
  readonly groups: readonly string[];
}

export interface ClaimResult {
  /** The records after the claim. */
  readonly claimed: readonly StoredTransaction[];
  /**
   * Time until the next unclaimed record of these groups is due (0: more are due now); null: none
   * waits.
   */
  readonly nextDueInMs: number | null;
  /**
   * The session has ended, and `claimed` is empty. Records claimed by an earlier step of the same
   * call are released by the next `takeOver`.
   */
  readonly sessionEnded: boolean;
}

export interface MakeDueRequest {
  readonly namespace: string;
  /** Only transactions that are due later than this from now. */
  readonly laterThanMs: number;
  /** Maximum number of transactions that the call changes. */
  readonly limit: number;
}

export interface MakeDueResult {
  /** Number of transactions that are now due. */
  readonly count: number;
  /** The limit was reached: call again. */
  readonly more: boolean;
}

/** A session with its last heartbeat as returned by `sessions`. */
export type HeartbeatSeen = Pick<SessionRow, 'session' | 'heartbeatAtMs'>;

export interface TakeOverRequest {
  /** A session that was silent for longer, by the store's clock, is ended. */
  readonly silenceMs: number;
  /** The only sessions that may be ended, each with the heartbeat that it must still have. */
  readonly unchanged?: readonly HeartbeatSeen[];
  /** The caller's session, which the call does not end. */
  readonly keep: SessionId;
  /** Maximum number of transactions that the call releases. */
  readonly limit: number;
}

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
  /** From the previous page. */
  readonly cursor?: string;
  readonly limit: number;
  /**
   * Limit of the bodies of a page, in bytes; `STORE_LIMITS.responseBytes` by default. The first
   * record is included whatever its size. Records beyond the limit are not read.
   */
  readonly maxBytes?: number;
  /**
   * The records come without definition and entries (both are empty), which are not read: for lists
   * without payloads.
   */
  readonly summary?: boolean;
}

export interface PurgeRequest {
  /** Only transactions that finished longer ago than this. */
  readonly olderThanMs: number;
  /** Maximum number of transactions that the call deletes. */
  readonly limit: number;
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
  /** Starts at 1 and increases by one with each change. */
  readonly version: number;
  readonly createdAtMs: number;
  readonly updatedAtMs: number;
}

export interface KeyValueQuery {
  readonly namespace: string;
  readonly category: string;
  /** From the previous page. */
  readonly cursor?: string;
  readonly limit: number;
  /**
   * Limit of the values of a page, in bytes of UTF-8; `STORE_LIMITS.responseBytes` by default. The
   * first value is included whatever its size. Values beyond the limit are not read.
   */
  readonly maxBytes?: number;
}

/** What a put did; `conflict`: the stored version is another. */
export type PutOutcome = 'applied' | 'conflict';

/** What a delete did; `conflict`: the stored version is another. */
export type DeleteOutcome = 'applied' | 'conflict' | 'missing';

/**
 * - `closed`: not open.
 * - `locked`: another process has it open.
 * - `invalid`: the call violates the contract, or a cursor is not one of this store.
 * - `unsupported_format`: written by a newer Holdfast.
 * - `unavailable`: the store could not be reached or failed; nothing of the call was applied.
 * - `outcome_unknown`: the connection was lost during the commit; send the same items again.
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
