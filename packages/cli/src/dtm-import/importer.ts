import {
  importActivate,
  importAppend,
  type ImportedTransaction,
  importInsert,
  importProgress,
} from '@holdfast/core/engine';
import type { Store, StoredTransaction, WriteItem, WriteOutcome } from '@holdfast/core/store';
import { DtmConverter, NotImportable } from '@holdfast/server';
import { DEFAULT_NAMESPACE } from '@holdfast/protocol';
import type { DtmFound, DtmSource } from './dtm-source.ts';

/** What an import does with a transaction, or did with it. */
export type ImportResult =
  /** Without a store: would be imported. */
  | { readonly kind: 'planned' | 'imported'; readonly found: DtmFound; readonly to: ImportedTransaction }
  | { readonly kind: 'already'; readonly found: DtmFound }
  | { readonly kind: 'refused'; readonly found: DtmFound; readonly why: string };

/**
 * Moves transactions from dtm to a store, in steps that leave each transaction with exactly one
 * coordinator, whenever the process ends:
 *
 * IM1  The record is created parked, so that no node drives it while dtm may.
 * IM2  The transaction is taken from dtm, if dtm has not changed it since it was read.
 * IM3  Only a transaction that was taken is released to the nodes.
 * IM4  A taken transaction without a record was imported before, and is never imported again.
 * IM5  The release expects the version of the parked record, so that of two imports at once only
 *      one releases it, and never over what a node has written.
 */
export class Importer {
  readonly #source: DtmSource;
  readonly #store: Store;
  readonly #converter = new DtmConverter();

  constructor(source: DtmSource, store: Store) {
    this.#source = source;
    this.#store = store;
  }

  /** Imports a page of transactions; the results are in its order. */
  async import(page: readonly DtmFound[]): Promise<readonly ImportResult[]> {
    const nowMs = await this.#store.nowMs();
    const results: ImportResult[] = [];
    const records = await this.#store.get(page.map(keyOf));
    for (const [index, found] of page.entries()) results.push(await this.#importOne(found, records[index], nowMs));
    return results;
  }

  async #importOne(found: DtmFound, record: StoredTransaction | undefined, nowMs: number): Promise<ImportResult> {
    const refused = (why: string): ImportResult => ({ kind: 'refused', found, why });
    const progress = record === undefined ? undefined : importProgress(record);
    // A record that was released belongs to a transaction that was taken before.
    if (progress === 'other' || (progress === 'done' && !found.taken))
      return refused('the store has another transaction of this gid');
    if (progress === undefined && found.taken)
      return refused(
        'an earlier import has taken it, and the store has no record of it: it has finished, or --store is not the same',
      );
    if (progress === 'done') return { kind: 'already', found };
    const to = convert(this.#converter, found, nowMs, this.#source);
    if (typeof to === 'string') return refused(to);
    if (progress === undefined) {
      const inserted = await this.#write(importInsert(to));
      if (inserted.kind === 'conflict') return refused('the store has another transaction of this gid');
      if (inserted.kind !== 'applied') return refused(`its record could not be created: ${inserted.kind}`);
    }
    const append = importAppend(to);
    const appended = append === undefined ? undefined : await this.#write(append);
    if (appended !== undefined && appended.kind !== 'applied')
      return refused(`its branches could not be stored: ${appended.kind}`);
    if (!(await this.#source.take(found))) return refused(NOT_TAKEN);
    // Read again: another import may have released it, and nodes may drive it already.
    const [begun] = await this.#store.get([to.key]);
    if (begun === undefined) return refused('its record was deleted during the import');
    const now = importProgress(begun);
    if (now === 'done') return { kind: 'already', found };
    if (now === 'other') return refused('the store has another transaction of this gid');
    const activated = await this.#write(importActivate(to, begun.version, `dtm, ${this.#source.place}`, nowMs));
    return activated.kind === 'applied'
      ? { kind: 'imported', found, to }
      : refused(`its record could not be released: ${activated.kind}; repeat the import`);
  }

  async #write(item: WriteItem): Promise<WriteOutcome> {
    const [outcome] = await this.#store.write([item]);
    return outcome ?? { kind: 'missing' };
  }
}

/** What would be imported, without a store. */
export class Planner {
  readonly #source: DtmSource;
  readonly #converter = new DtmConverter();

  constructor(source: DtmSource) {
    this.#source = source;
  }

  plan(page: readonly DtmFound[], nowMs: number): readonly ImportResult[] {
    return page.map((found) => {
      if (found.taken) return { kind: 'already', found };
      const to = convert(this.#converter, found, nowMs, this.#source);
      if (typeof to === 'string') return { kind: 'refused', found, why: to };
      return { kind: 'planned', found, to };
    });
  }
}

const NOT_TAKEN =
  'it has changed in dtm during the import: dtm is running, or another import is; stop it and repeat the import';

const keyOf = ({ global: { gid } }: DtmFound) => ({ namespace: DEFAULT_NAMESPACE, gid });

/** The transaction for the store, or why it is not imported. */
function convert(
  converter: DtmConverter,
  { global, branches }: DtmFound,
  nowMs: number,
  { resultsMayBeMissing }: DtmSource,
): ImportedTransaction | string {
  try {
    return converter.convert(global, branches, { nowMs, resultsMayBeMissing });
  } catch (error) {
    if (error instanceof NotImportable) return error.message;
    throw error;
  }
}
