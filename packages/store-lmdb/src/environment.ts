import { closeSync, existsSync, openSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { StoreError } from '@holdfast/core';
import { open, type RootDatabase } from 'lmdb';
import type { Changes } from './changes.ts';
import type { Range } from './keys.ts';
import { othersThatHaveItOpen } from './lock.ts';

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
    const db = openFile(path, sync);
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
  scan(range: Range, { limit = Infinity }: Pick<ScanOptions, 'limit'> = {}): Iterable<KeyAndValue> {
    return this.#db.getRange({ ...range, limit });
  }

  /** The keys of a range, copied. */
  keys(range: Range, { reverse = false, limit = Infinity }: ScanOptions = {}): Iterable<Uint8Array> {
    const bounds = reverse ? { start: range.end, end: range.start, reverse } : range;
    return this.#db.getKeys({ ...bounds, limit });
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

/** In the first bytes of every LMDB file, in the byte order of the machine. */
const MAGIC = Buffer.from(Uint32Array.of(0xbeefc0de).buffer);

/** lmdb takes the whole process down when it is given a file of something else. */
function refuseForeignFile(path: string): void {
  const file = join(path, 'data.mdb');
  if (!existsSync(file)) return;
  const start = Buffer.alloc(64);
  const descriptor = openSync(file, 'r');
  const length = readSync(descriptor, start);
  closeSync(descriptor);
  if (length > 0 && !start.includes(MAGIC)) throw new Error('its data.mdb is not an LMDB file');
}

/**
 * A commit begins with its first instruction, not when the event loop has come round: batches are put together here, one at a time. The thresholds are
 * missing in lmdb's types.
 */
const WRITE_AT_ONCE = { eventTurnBatching: false, txnStartThreshold: 1, batchStartThreshold: 1 };

function openFile(path: string, sync: boolean): RootDatabase<Buffer, Uint8Array> {
  try {
    refuseForeignFile(path);
    return open<Buffer, Uint8Array>({
      path,
      noSubdir: false,
      keyEncoding: 'binary',
      encoding: 'binary',
      overlappingSync: false,
      ...WRITE_AT_ONCE,
      noSync: !sync,
      cache: false,
      maxDbs: 1,
    });
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new StoreError('unavailable', `${path} cannot be opened as the folder of an LMDB store: ${reason}`, cause);
  }
}

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
