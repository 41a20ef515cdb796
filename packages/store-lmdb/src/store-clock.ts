import { NodeClock } from '@holdfast/core/store-kit';
import { ByteReader } from './bytes.ts';
import type { Changes } from './changes.ts';
import type { Environment } from './environment.ts';
import { checkFormat, VALUE_FORMAT } from './formats.ts';
import { CLOCK_KEY } from './keys.ts';

/**
 * The store's time, which never goes back, not even over a restart, and the sequence of its writes.
 * Each write stores both.
 */
export class StoreClock extends NodeClock {
  #sequence = 0;

  load(env: Environment): void {
    const stored = readClock(env);
    this.seen(stored.lastMs);
    this.#sequence = stored.sequence;
  }

  /** The sequence number of the next write. */
  get nextSequence(): number {
    return this.#sequence + 1;
  }

  /** Counts a write, and adds the clock to its changes. */
  flush(changes: Changes): void {
    this.#sequence++;
    const { writer } = changes;
    const start = writer.position;
    writer.u8(VALUE_FORMAT).u48(this.nowMs()).u48(this.#sequence);
    changes.put(CLOCK_KEY, start);
  }
}

function readClock(env: Environment): { readonly lastMs: number; readonly sequence: number } {
  const value = env.read(CLOCK_KEY);
  if (value === undefined) return { lastMs: 0, sequence: 0 };
  const from = new ByteReader(value);
  checkFormat(from.u8());
  return { lastMs: from.u48(), sequence: from.u48() };
}

/** The sequence number of the last write in the file. */
export const lastSequence = (env: Environment): number => readClock(env).sequence;
