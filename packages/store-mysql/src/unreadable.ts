import { StoreError } from '@holdfast/core/store';
import type { RecordHead } from '@holdfast/core/store-kit';
import { mayBeUnreadable } from './errors.ts';
import { keyOf } from './records.ts';

/** The records that were read, and by ID why the server could not read the others. */
export interface Readable<T> {
  readonly found: readonly T[];
  readonly unreadable: ReadonlyMap<string, string>;
}

const NONE: ReadonlyMap<string, string> = new Map();

/**
 * Reads records together. If the server cannot read one of them, for example because of a damaged
 * page, the IDs are halved until the unreadable ones are found; the other records are still read.
 */
export async function readable<T>(
  ids: readonly string[],
  read: (ids: readonly string[]) => Promise<readonly T[]>,
): Promise<Readable<T>> {
  if (ids.length === 0) return { found: [], unreadable: NONE };
  try {
    return { found: await read(ids), unreadable: NONE };
  } catch (thrown) {
    if (!isUnreadable(thrown)) throw thrown;
    const [id] = ids;
    if (id !== undefined && ids.length === 1) return { found: [], unreadable: new Map([[id, thrown.message]]) };
  }
  const half = ids.length >> 1;
  const first = await readable(ids.slice(0, half), read);
  const second = await readable(ids.slice(half), read);
  return {
    found: [...first.found, ...second.found],
    unreadable: new Map([...first.unreadable, ...second.unreadable]),
  };
}

/** Whether a read failed for a reason that may concern one record. */
export const isUnreadable = (thrown: unknown): thrown is StoreError =>
  thrown instanceof StoreError && mayBeUnreadable(thrown.cause);

/** A placeholder for a record of which only the key is known. No record has its version. */
export const unreadableHead = (id: string, why: string): RecordHead => ({
  key: keyOf(id),
  pattern: 'saga',
  status: 'submitted',
  group: '',
  version: 0,
  writeId: '',
  owner: null,
  claims: 0,
  dueAtMs: null,
  attention: false,
  createdAtMs: 0,
  updatedAtMs: 0,
  finishedAtMs: null,
  entryCount: 0,
  unreadable: `the database cannot read it: ${why}`,
  withoutBodies: true,
});
