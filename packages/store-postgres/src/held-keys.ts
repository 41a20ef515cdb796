import type { TransactionKey } from '@holdfast/protocol';
import type { Client } from 'pg';
import type { Connection } from './connection.ts';
import { sqlState, wasLocked } from './errors.ts';
import { keyArrays } from './read.ts';
import { PROBE_KEYS } from './statements/index.ts';

/** How long a probe waits for a transaction that may just be committing. */
const PROBE_LOCK_TIMEOUT_MS = 50;

/**
 * Those of the keys for which an insert waits: another client of the database has inserted the key
 * and not committed. No statement can read such a row, so the keys are inserted and rolled back, and
 * halved when that waits. Changes nothing; used only after a batch has waited in vain.
 */
export async function heldKeys(
  connection: Connection,
  keys: readonly TransactionKey[],
): Promise<readonly TransactionKey[]> {
  if (keys.length === 0) return [];
  return connection.alone((client) => heldOf(client, keys));
}

async function heldOf(client: Client, keys: readonly TransactionKey[]): Promise<readonly TransactionKey[]> {
  if (!(await waits(client, keys))) return [];
  if (keys.length === 1) return keys;
  const half = keys.length >> 1;
  const first = await heldOf(client, keys.slice(0, half));
  return [...first, ...(await heldOf(client, keys.slice(half)))];
}

async function waits(client: Client, keys: readonly TransactionKey[]): Promise<boolean> {
  await client.query(`begin; set local lock_timeout to ${PROBE_LOCK_TIMEOUT_MS}`);
  try {
    await client.query(PROBE_KEYS, keyArrays(keys));
    return false;
  } catch (thrown) {
    // Another refusal of the server is for the batch itself to report.
    if (sqlState(thrown) === undefined) throw thrown;
    return wasLocked(thrown);
  } finally {
    await client.query('rollback');
  }
}
