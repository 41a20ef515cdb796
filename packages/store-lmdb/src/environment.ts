import { StoreError } from '@holdfast/core';
import { open, type RootDatabase } from 'lmdb';
import type { Changes } from './changes.ts';
import type { Range } from './keys.ts';

interface EnvironmentOptions {
  readonly path: string;
  /** False: nothing is synced. For tests that prove that syncing is seen. */
  readonly sync: boolean;
}

interface ScanOptions {
  readonly reverse?: boolean;
  readonly limit?: number;
}

export interface KeyAndValue {
  readonly key: Uint8Array;
  readonly value: Uint8Array;
}

/**
 * The LMDB file: raw bytes in and out, one write at a time.
 *
 * The B-tree work and the sync of a commit run in a thread of lmdb's; here they are only queued as instructions. `overlappingSync` is off: a commit then
 * answers after its pages are synced and its header, which goes through a synchronous descriptor, is written.
 */
export class Environment {
  readonly #db: RootDatabase<Buffer, Uint8Array>;

  private constructor(db: RootDatabase<Buffer, Uint8Array>) {
    this.#db = db;
  }

  /** Opens or creates a file in a directory. Throws `locked` when somebody else has it open. */
  static async open({ path, sync }: EnvironmentOptions): Promise<Environment> {
    const db = open<Buffer, Uint8Array>({
      path,
      noSubdir: false,
      keyEncoding: 'binary',
      encoding: 'binary',
      overlappingSync: false,
      noSync: !sync,
      cache: false,
      maxDbs: 1,
    });
    const others = othersThatHaveItOpen(db);
    if (others === '') return new Environment(db);
    await db.close();
    throw new StoreError(
      'locked',
      `${path} is open in ${others}: one process at a time may use an LMDB store; stop it, or use another directory`,
    );
  }

  /** The value at a key; it is overwritten by the next read. */
  read(key: Uint8Array): Buffer | undefined {
    return this.#db.getBinaryFast(key);
  }

  /** Keys and values of a range, copied. */
  scan(range: Range, { reverse = false, limit = Infinity }: ScanOptions = {}): Iterable<KeyAndValue> {
    const bounds = reverse ? { start: range.end, end: range.start, reverse } : range;
    return this.#db.getRange({ ...bounds, limit });
  }

  /** The keys of a range, copied. */
  keys(range: Range, { limit = Infinity }: { readonly limit?: number } = {}): Iterable<Uint8Array> {
    return this.#db.getKeys({ ...range, limit });
  }

  /** Makes the changes durable, all or none. */
  async commit({ keys, values }: Changes): Promise<void> {
    if (keys.length === 0) return;
    const db = this.#db;
    try {
      await db.batch(() => {
        for (let i = 0; i < keys.length; i++) {
          const value = values[i];
          if (value === undefined) void db.remove(keys[i] as Uint8Array);
          else void db.put(keys[i] as Uint8Array, value as Buffer);
        }
      });
    } catch (error) {
      throw await causeOf(error);
    }
  }

  async close(): Promise<void> {
    await this.#db.close();
  }
}

/**
 * Who else has the file open; empty when nobody has. LMDB keeps a table of its readers, and each process in it holds a lock of the kernel's that goes when
 * the process goes, however it goes: what a killed one left behind is recognised, without a lock file to clean up.
 */
function othersThatHaveItOpen(db: RootDatabase<Buffer, Uint8Array>): string {
  db.readerCheck();
  const before = readers(db);
  if (before.length > 0) return nameProcesses(before);
  try {
    // The first read enters us in the table for as long as the file is open. Of two that get here at once, each sees the other.
    db.getBinaryFast(Buffer.of(0));
  } catch {
    // The kernel's lock is at the place of the process id: somebody in another container with the same id has it.
    return `a process of another container, with the id ${process.pid} there`;
  }
  const after = readers(db);
  after.splice(after.indexOf(process.pid), 1);
  return nameProcesses(after);
}

const nameProcesses = (pids: readonly number[]): string =>
  pids.length === 0
    ? ''
    : `process ${[...new Set(pids)].map((pid) => (pid === process.pid ? `${pid} (this one)` : pid)).join(', ')}`;

/** The process ids in LMDB's table of readers, which it only tells as text: a title, then a line each. */
const readers = (db: RootDatabase<Buffer, Uint8Array>): number[] =>
  [...db.readerList().matchAll(/^ *(\d+) /gm)].map((match) => Number(match[1]));

/** lmdb rejects with an error that holds a promise of its reason. */
async function causeOf(error: unknown): Promise<unknown> {
  if (!(error instanceof Error) || !('commitError' in error)) return error;
  try {
    await error.commitError;
    return error;
  } catch (cause) {
    return cause;
  }
}
