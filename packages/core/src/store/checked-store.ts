import { LIMITS, readableThrown, textOfThrown, type TransactionKey } from '@holdfast/protocol';
import {
  type ClaimRequest,
  type ClaimResult,
  type DeleteOutcome,
  type Heartbeat,
  type KeyValue,
  type KeyValueId,
  type KeyValueQuery,
  type ListQuery,
  type MakeDueRequest,
  type MakeDueResult,
  type Page,
  type PurgeRequest,
  type PutOutcome,
  type SchemaVersions,
  type SessionId,
  type SessionInfo,
  type SessionRow,
  type Store,
  type StoreCapabilities,
  type StoreCounts,
  type StoredTransaction,
  StoreError,
  type StoreErrorCode,
  type TakeOverRequest,
  type TakeOverResult,
  type WriteItem,
  type WriteOutcome,
} from './store.ts';
import { decodeKeyCursor, decodeListCursor } from './cursor.ts';
import * as rules from './rules.ts';

/**
 * The wrapper around every store driver, so that store drivers stay small: it keeps the life cycle
 * (`closed` before open and after close; a close notifies the store driver when no call is in
 * progress), checks arguments and limits, and converts every thrown value into a `StoreError`.
 */
export class CheckedStore implements Store {
  readonly #driver: Store;
  #open = false;
  #schema: SchemaVersions = { found: 0, current: 0 };
  /** Serializes opening and closing. */
  #lifecycle: Promise<void> = Promise.resolve();
  #underWay = 0;
  #onIdle: (() => void) | undefined;

  constructor(driver: Store) {
    this.#driver = driver;
  }

  get capabilities(): StoreCapabilities {
    return this.#driver.capabilities;
  }

  /**
   * Opens the store driver; harmless if it is open, with the same result. It may be opened again
   * after a close.
   */
  open(): Promise<SchemaVersions> {
    return this.#next(async () => {
      if (!this.#open) this.#schema = await converted(() => this.#driver.open());
      this.#open = true;
      return this.#schema;
    });
  }

  close(): Promise<void> {
    return this.#next(async () => {
      if (!this.#open) return;
      this.#open = false;
      const idle = this.#underWay === 0 ? Promise.resolve() : new Promise<void>((resolve) => (this.#onIdle = resolve));
      await converted(() => this.#driver.close(idle));
    });
  }

  #next<T>(step: () => Promise<T>): Promise<T> {
    const result = this.#lifecycle.then(step);
    this.#lifecycle = result.then(
      () => undefined,
      () => undefined,
    );
    return result;
  }

  /** @param code for errors of the store driver that are not a `StoreError` */
  async #call<T>(work: () => Promise<T>, code?: StoreErrorCode): Promise<T> {
    if (!this.#open)
      throw new StoreError(
        'closed',
        `the ${this.capabilities.name} store is not open: open it first, and use it before close`,
      );
    this.#underWay++;
    try {
      return await converted(work, code);
    } finally {
      if (--this.#underWay === 0) this.#onIdle?.();
    }
  }

  write(batch: readonly WriteItem[]): Promise<WriteOutcome[]> {
    return this.#call(async () => {
      rules.checkBatch(batch);
      return batch.length === 0 ? [] : this.#driver.write(batch);
    }, 'outcome_unknown');
  }

  get(keys: readonly TransactionKey[]): Promise<(StoredTransaction | undefined)[]> {
    return this.#call(async () => {
      if (keys.length === 0) return [];
      rules.checkLimit(keys.length, rules.STORE_LIMITS.getKeys);
      keys.forEach(rules.checkKey);
      return this.#driver.get(keys);
    });
  }

  versions(keys: readonly TransactionKey[]): Promise<(number | undefined)[]> {
    return this.#call(async () => {
      if (keys.length === 0) return [];
      rules.checkLimit(keys.length, rules.STORE_LIMITS.getKeys);
      keys.forEach(rules.checkKey);
      return this.#driver.versions(keys);
    });
  }

  list(query: ListQuery): Promise<Page<StoredTransaction>> {
    return this.#call(async () => {
      rules.checkListQuery(query);
      if (query.cursor !== undefined) decodeListCursor(query.cursor);
      return this.#driver.list(query);
    });
  }

  count(namespace?: string): Promise<StoreCounts> {
    return this.#call(async () => {
      if (namespace !== undefined) rules.checkNamespace(namespace);
      return this.#driver.count(namespace);
    });
  }

  claimDue(request: ClaimRequest): Promise<ClaimResult> {
    return this.#call(async () => {
      checkSession(request.session);
      rules.checkLimit(request.limit, rules.STORE_LIMITS.changeLimit);
      rules.checkMaxBytes(request.maxBytes);
      if (request.groups.length > rules.STORE_LIMITS.groups)
        throw new StoreError('invalid', `${request.groups.length} groups; at most ${rules.STORE_LIMITS.groups}`);
      for (const group of request.groups) rules.checkText('a group', group, rules.STORE_LIMITS.groupLength, 0);
      return this.#driver.claimDue(request);
    }, 'outcome_unknown');
  }

  makeDue(request: MakeDueRequest): Promise<MakeDueResult> {
    return this.#call(async () => {
      rules.checkNamespace(request.namespace);
      rules.checkMs('laterThanMs', request.laterThanMs);
      rules.checkLimit(request.limit, rules.STORE_LIMITS.changeLimit);
      return this.#driver.makeDue(request);
    });
  }

  openSession(session: SessionId, info: SessionInfo): Promise<void> {
    return this.#call(async () => {
      checkSession(session);
      await this.#driver.openSession(session, info);
    });
  }

  heartbeat(session: SessionId): Promise<Heartbeat> {
    return this.#call(() => this.#driver.heartbeat(session));
  }

  endSession(session: SessionId): Promise<void> {
    return this.#call(async () => {
      checkSession(session);
      await this.#driver.endSession(session);
    });
  }

  takeOver(request: TakeOverRequest): Promise<TakeOverResult> {
    return this.#call(async () => {
      rules.checkMs('silenceMs', request.silenceMs);
      if (request.unchanged !== undefined && request.unchanged.length > rules.STORE_LIMITS.unchanged)
        throw new StoreError(
          'invalid',
          `${request.unchanged.length} unchanged sessions; at most ${rules.STORE_LIMITS.unchanged}`,
        );
      for (const { session } of request.unchanged ?? []) checkSession(session);
      rules.checkLimit(request.limit, rules.STORE_LIMITS.changeLimit);
      return this.#driver.takeOver(request);
    });
  }

  sessions(): Promise<SessionRow[]> {
    return this.#call(() => this.#driver.sessions());
  }

  kvGet(id: KeyValueId): Promise<KeyValue | undefined> {
    return this.#call(async () => {
      rules.checkKeyValueId(id);
      return this.#driver.kvGet(id);
    });
  }

  kvPut(id: KeyValueId, value: string, expectVersion: number): Promise<PutOutcome> {
    return this.#call(async () => {
      rules.checkKeyValueId(id);
      rules.checkText('the value', value, rules.STORE_LIMITS.itemBytes / 4, 0);
      rules.checkVersion(expectVersion);
      return this.#driver.kvPut(id, value, expectVersion);
    });
  }

  kvDelete(id: KeyValueId, expectVersion: number): Promise<DeleteOutcome> {
    return this.#call(async () => {
      rules.checkKeyValueId(id);
      rules.checkVersion(expectVersion);
      return this.#driver.kvDelete(id, expectVersion);
    });
  }

  kvScan(query: KeyValueQuery): Promise<Page<KeyValue>> {
    return this.#call(async () => {
      rules.checkNamespace(query.namespace);
      rules.checkText('the category', query.category, rules.STORE_LIMITS.categoryLength);
      rules.checkLimit(query.limit, LIMITS.pageSize);
      rules.checkMaxBytes(query.maxBytes);
      if (query.cursor !== undefined) decodeKeyCursor(query.cursor);
      return this.#driver.kvScan(query);
    });
  }

  purge(request: PurgeRequest): Promise<number> {
    return this.#call(async () => {
      rules.checkMs('olderThanMs', request.olderThanMs);
      rules.checkLimit(request.limit, rules.STORE_LIMITS.changeLimit);
      return this.#driver.purge(request);
    });
  }

  nowMs(): Promise<number> {
    return this.#call(() => this.#driver.nowMs());
  }
}

const checkSession = (session: SessionId): void =>
  rules.checkText('the session', session, rules.STORE_LIMITS.sessionLength);

/**
 * An error that is not a `StoreError` does not state what was applied: where that matters, the
 * outcome is unknown.
 */
async function converted<T>(work: () => Promise<T>, code: StoreErrorCode = 'unavailable'): Promise<T> {
  try {
    return await work();
  } catch (caught) {
    const thrown = readableThrown(caught);
    if (thrown instanceof StoreError) throw thrown;
    throw new StoreError(code, textOfThrown(thrown), thrown);
  }
}
