import type { TransactionKey } from '@holdfast/protocol';
import type { Client } from 'pg';
import type { Connection } from './connection.ts';
import { sqlState, wasLocked } from './errors.ts';
import { keyArrays } from './read.ts';
import { PROBE_KEYS } from './statements/index.ts';

/** How long the first probe waits for a transaction that may be about to commit. */
const FIRST_WAIT_MS = 50;
/**
 * How long each probe of a part of the keys waits; the first probe has given the other transactions
 * time.
 */
const NEXT_WAIT_MS = 5;
/** Total waiting time of the probes of one call, during which nothing else is written. */
const MOST_WAIT_MS = 1_000;

/**
 * Returns the keys for which an insert waits because another client of the database has inserted
 * the key without committing. No statement can read such a row, so the keys are inserted and rolled
 * back, and halved if that waits. Keys not examined within `MOST_WAIT_MS` are returned as well; the
 * caller tries them again later. Changes nothing; used only after a batch has timed out waiting for
 * a lock.
 */
export async function heldKeys(
  connection: Connection,
  keys: readonly TransactionKey[],
): Promise<readonly TransactionKey[]> {
  if (keys.length === 0) return [];
  return connection.alone((client) => new Probes(client).heldOf(keys));
}

class Probes {
  readonly #client: Client;
  #waitedMs = 0;

  constructor(client: Client) {
    this.#client = client;
  }

  /** @param isHeld whether some of the keys are known to be held */
  async heldOf(keys: readonly TransactionKey[], isHeld = false): Promise<readonly TransactionKey[]> {
    if (this.#waitedMs >= MOST_WAIT_MS) return keys;
    if (!isHeld && !(await this.#waits(keys))) return [];
    if (keys.length === 1) return keys;
    const half = keys.length >> 1;
    const first = await this.heldOf(keys.slice(0, half));
    // If the first half does not wait, the second one does.
    return [...first, ...(await this.heldOf(keys.slice(half), first.length === 0))];
  }

  async #waits(keys: readonly TransactionKey[]): Promise<boolean> {
    const client = this.#client;
    const waitMs = this.#waitedMs === 0 ? FIRST_WAIT_MS : NEXT_WAIT_MS;
    await client.query(`begin; set local lock_timeout to ${waitMs}`);
    try {
      await client.query(PROBE_KEYS, keyArrays(keys));
      return false;
    } catch (thrown) {
      // Other errors of the server are left to the batch to report.
      if (sqlState(thrown) === undefined) throw thrown;
      if (!wasLocked(thrown)) return false;
      this.#waitedMs += waitMs;
      return true;
    } finally {
      await client.query('rollback');
    }
  }
}
