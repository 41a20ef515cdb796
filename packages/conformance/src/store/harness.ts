import assert from 'node:assert/strict';
import type { Damage, DamagedPart } from './damage.ts';
import { type Store, StoreError, type StoreErrorCode, type StoredTransaction } from '@holdfast/core/store';

/**
 * The two functions of a test runner that the suite needs; those of Vitest, Jest, Mocha and
 * `node:test` have the right form.
 */
export interface TestApi {
  readonly describe: (name: string, body: () => void) => void;
  readonly it: (name: string, body: () => Promise<void>, timeoutMs?: number) => void;
}

/**
 * The properties that a store driver declares. Only tests of features that it does not offer are
 * skipped.
 */
export interface StoreManifest {
  /** As in the store's capabilities. */
  readonly durable: boolean;
  /**
   * As in the store's capabilities. A store that is not exclusive is opened several times at one
   * place.
   */
  readonly exclusive: boolean;
  /**
   * Whether a place can move the clocks that its stores read (`moveWallClock`, `passTime`), and
   * nothing else moves them.
   */
  readonly controllableClock: boolean;
  /**
   * The value formats that the store driver reads, each with records written in it: at least the
   * current and the previous one.
   */
  readonly formats: readonly StoredFormat[];
  /** The bodies that `place.damage` can change in this store. */
  readonly damagedParts: readonly DamagedPart[];
  /**
   * Names of other kinds of damage, which only this kind of store can suffer and `place.damage`
   * applies.
   */
  readonly damagedHeads: readonly string[];
}

/** Records as written by an earlier version of the store driver, or by this one. */
export interface StoredFormat {
  readonly name: string;
  /**
   * Writes the records to a place at which no store was opened yet; resolves to the records that
   * must be read from there.
   */
  plant(place: StorePlace): Promise<readonly StoredTransaction[]>;
}

/**
 * The place of a store's data: a folder, a database, an instance in memory. New and empty for each
 * test.
 */
export interface StorePlace {
  /** A store at this place, not open. */
  createStore(): Store;
  /** Sets the wall clock forward or back by `byMs`; the monotonic clock does not move. */
  moveWallClock?(byMs: number): void;
  /** Moves the wall clock and the monotonic clock forward by `byMs`. */
  passTime?(byMs: number): void;
  /**
   * Overwrites the stored status or pattern of a transaction of the default namespace with a word,
   * as a later version might. Required for stores that several processes may open.
   */
  setWords?(gid: string, words: { readonly status?: string; readonly pattern?: string }): Promise<void>;
  /**
   * Adds what a later version's migration may add while this version runs: a column to each table,
   * a field to each record. Required for stores that several processes may open.
   */
  addColumns?(): Promise<void>;
  /**
   * Locks the record of a transaction of the default namespace, as another client of the database
   * or a frozen node might; resolves to a function that releases the lock. Required for stores
   * whose database has such locks.
   */
  holdRecord?(gid: string): Promise<() => Promise<void>>;
  /**
   * Locks all key-values, as another client of the database might; resolves to a function that
   * releases the locks. Required for stores whose database has such locks.
   */
  holdKeyValues?(): Promise<() => Promise<void>>;
  /**
   * Locks the row of a session, as another client of the database might; resolves to a function
   * that releases the lock. Required for stores whose database has such locks.
   */
  holdSession?(session: string): Promise<() => Promise<void>>;
  /**
   * Locks all tables against every other client, as an administrator or the migration of another
   * program might; resolves to a function that releases them. Required for stores whose database
   * has such locks.
   */
  holdTables?(): Promise<() => Promise<void>>;
  /**
   * Inserts a copy of the record `from` as a new record, both in the default namespace, in a
   * transaction that stays open, as a node that is frozen during an insert might; resolves to a
   * function that rolls it back. Required for stores whose database has such transactions.
   */
  holdInsert?(gid: string, from: string): Promise<() => Promise<void>>;
  /**
   * Changes the stored record of a transaction of the default namespace, as something other than
   * Holdfast might. An exclusive store is not open during the change. Required for stores with
   * `damagedParts`.
   */
  damage?(gid: string, damage: Damage): Promise<void>;
  /**
   * How to start a process that runs `crashWriter` on a store at this place. Required for durable
   * stores.
   */
  readonly writerProcess?: { readonly command: string; readonly args: readonly string[] };
  remove(): Promise<void>;
}

export interface StoreSuiteOptions {
  readonly name: string;
  readonly test: TestApi;
  readonly manifest: StoreManifest;
  readonly createPlace: () => Promise<StorePlace>;
}

/** The objects that a test uses: an open store at a separate place. */
export interface Fixture {
  readonly store: Store;
  readonly place: StorePlace;
  /**
   * Another open store at the same place, as another node would have it; of an exclusive store the
   * same object.
   */
  readonly secondNode: () => Promise<Store>;
  /** Closes the store and opens one at the same place again. */
  readonly reopen: () => Promise<Store>;
  /** Damages a record of the default namespace; returns an open store at the same place. */
  readonly damage: (gid: string, damage: Damage) => Promise<Store>;
}

export type CaseBody = (fixture: Fixture) => Promise<void>;

export interface Cases {
  readonly manifest: StoreManifest;
  readonly describe: TestApi['describe'];
  readonly it: (name: string, body: CaseBody, timeoutMs?: number) => void;
  /** A test at a place where no store was opened yet. */
  readonly itAtNewPlace: (name: string, body: (place: StorePlace) => Promise<void>) => void;
  /** A test that creates its places itself. */
  readonly itWithPlaces: (
    name: string,
    body: (withStore: (body: CaseBody) => Promise<void>) => Promise<void>,
    timeoutMs?: number,
  ) => void;
}

/** Gives each test a place and an open store, and removes both afterwards. */
export function casesFor({ test, manifest, createPlace }: StoreSuiteOptions): Cases {
  return {
    manifest,
    describe: test.describe,
    it: (name, body, timeoutMs) => test.it(name, () => withPlace(createPlace, manifest, body), timeoutMs),
    itAtNewPlace: (name, body) =>
      test.it(name, async () => {
        const place = await createPlace();
        try {
          await body(place);
        } finally {
          await place.remove();
        }
      }),
    itWithPlaces: (name, body, timeoutMs) =>
      test.it(name, () => body((caseBody) => withPlace(createPlace, manifest, caseBody)), timeoutMs),
  };
}

/** Runs a body with an open store at a new place. */
export async function withPlace(
  createPlace: () => Promise<StorePlace>,
  manifest: StoreManifest,
  body: CaseBody,
): Promise<void> {
  const place = await createPlace();
  const opened: Store[] = [];
  const open = async (): Promise<Store> => {
    const store = place.createStore();
    opened.push(store);
    await store.open();
    return store;
  };
  try {
    const store = await open();
    const closeAll = (): Promise<unknown> => Promise.all(opened.map((earlier) => earlier.close()));
    await body({
      store,
      place,
      secondNode: async () => (manifest.exclusive ? store : open()),
      reopen: async () => {
        await closeAll();
        return open();
      },
      damage: async (gid, damage) => {
        if (manifest.exclusive) await closeAll();
        await (place.damage?.(gid, damage) ?? assert.fail('a place of a store with damaged parts can damage them'));
        return manifest.exclusive ? open() : store;
      },
    });
  } finally {
    await Promise.all(opened.map((store) => store.close()));
    await place.remove();
  }
}

/** Asserts that a call fails with a `StoreError` of this code. */
export async function assertRejects(call: Promise<unknown>, code: StoreErrorCode): Promise<StoreError> {
  const error = await call.then(
    () => assert.fail(`expected a StoreError ${code}, but the call succeeded`),
    (thrown: unknown) => thrown,
  );
  assert.ok(error instanceof StoreError, `expected a StoreError, got ${String(error)}`);
  assert.equal(error.code, code, error.message);
  return error;
}
