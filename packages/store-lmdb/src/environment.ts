import { StoreError } from '@holdfast/core/store';
import { callHook } from '@holdfast/protocol';
import { open, type RootDatabase } from 'lmdb';
import type { Changes } from './changes.ts';
import { FILE_MODE, prepareFolder } from './files.ts';
import type { Range } from './keys.ts';
import { othersThatHaveItOpen } from './lock.ts';
import { DiskRoom } from './room.ts';

interface EnvironmentOptions {
  readonly path: string;
  /** False: nothing is synced. For tests that prove that a missing sync is detected. */
  readonly sync: boolean;
  readonly onWarning?: (text: string) => void;
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
 * The B-tree work and the sync of a commit run in a thread of lmdb; here they are only queued as
 * instructions. `overlappingSync` is off: a commit then resolves after its pages are synced and its
 * header was written through a synchronous descriptor.
 */
export class Environment {
  readonly #db: RootDatabase<Buffer, Uint8Array>;
  readonly #room: DiskRoom;

  private constructor(db: RootDatabase<Buffer, Uint8Array>, path: string) {
    this.#db = db;
    this.#room = new DiskRoom(path);
  }

  /** Opens or creates a file in a directory. Throws `locked` if another process has it open. */
  static async open(options: EnvironmentOptions): Promise<Environment> {
    const { path } = options;
    const db = openFile(options);
    const others = othersThatHaveItOpen(db);
    if (others === '') return new Environment(db, path);
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

  /** Copies of the keys and values of a range. */
  scan(range: Range, { limit = Infinity }: Pick<ScanOptions, 'limit'> = {}): Iterable<KeyAndValue> {
    return this.#db.getRange({ ...range, limit });
  }

  /** Copies of the keys of a range. */
  keys(range: Range, { reverse = false, limit = Infinity }: ScanOptions = {}): Iterable<Uint8Array> {
    const bounds = reverse ? { start: range.end, end: range.start, reverse } : range;
    return this.#db.getKeys({ ...bounds, limit });
  }

  /** Makes the changes durable, all or none. */
  async commit(changes: Changes): Promise<void> {
    const { keys, values } = changes;
    if (keys.length === 0) return;
    this.#room.assertFor(changes);
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
 * A commit starts with its first instruction, not at the next turn of the event loop, because
 * batches are assembled here, one at a time. lmdb's types lack the thresholds.
 */
const WRITE_AT_ONCE = { eventTurnBatching: false, txnStartThreshold: 1, batchStartThreshold: 1 };

/** The mode of the files that lmdb creates; its types lack the option. */
const PRIVATE = { permissionsMode: FILE_MODE };

function openFile({ path, sync, onWarning }: EnvironmentOptions): RootDatabase<Buffer, Uint8Array> {
  try {
    prepareFolder(path, (text) => callHook(() => onWarning?.(text)));
    return open<Buffer, Uint8Array>({
      path,
      ...PRIVATE,
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

/** lmdb rejects with an error that contains a promise of the cause. */
async function causeOf(error: unknown): Promise<unknown> {
  if (!(error instanceof Error) || !('commitError' in error)) return error;
  try {
    await error.commitError;
    return error;
  } catch (cause) {
    return cause;
  }
}
