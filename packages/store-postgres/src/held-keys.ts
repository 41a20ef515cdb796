import type { TransactionKey } from '@holdfast/protocol';
import type { Client } from 'pg';
import type { Connection } from './connection.ts';
import { sqlState, wasLocked } from './errors.ts';
import { keyArrays } from './read.ts';
import { PROBE_KEYS } from './statements/index.ts';

/** How long the first probe waits for a transaction that may just be committing. */
const FIRST_WAIT_MS = 50;
/** How long each probe of a part of the keys waits: the first one has given the others time. */
const NEXT_WAIT_MS = 5;
/** How long the probes of one call wait together. Nothing else is written meanwhile. */
const MOST_WAIT_MS = 1_000;

/**
 * Those of the keys for which an insert waits: another client of the database has inserted the key
 * and not committed. No statement can read such a row, so the keys are inserted and rolled back, and
 * halved when that waits. Keys that `MOST_WAIT_MS` leaves unexamined are returned as well: the
 * caller tries them again later. Changes nothing; used only after a batch has waited in vain.
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

  /** @param isHeld some of them are known to be held */
  async heldOf(keys: readonly TransactionKey[], isHeld = false): Promise<readonly TransactionKey[]> {
    if (this.#waitedMs >= MOST_WAIT_MS) return keys;
    if (!isHeld && !(await this.#waits(keys))) return [];
    if (keys.length === 1) return keys;
    const half = keys.length >> 1;
    const first = await this.heldOf(keys.slice(0, half));
    // Unless the first half waits, the second one does.
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
      // Another refusal of the server is for the batch itself to report.
      if (sqlState(thrown) === undefined) throw thrown;
      if (!wasLocked(thrown)) return false;
      this.#waitedMs += waitMs;
      return true;
    } finally {
      await client.query('rollback');
    }
  }
}
