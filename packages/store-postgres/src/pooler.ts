import { StoreError } from '@holdfast/core';
import type { Client } from 'pg';

/** Rounds in which a pooler has the opportunity to give the same server connection to two clients. */
const ROUNDS = 10;

/**
 * Throws `unavailable` when a pooler between gives the server connections to other clients between two statements: the
 * settings and the prepared statements of a session are then those of other sessions, and nearly every call fails.
 *
 * A server names its process when a connection begins; behind a pooler, statements run in another process than that. A
 * pooler by session keeps that other process for as long as the connection lasts. No statement of `client` is sent while
 * `other` is within a transaction, since a pool of one server connection would let it wait.
 */
export async function refuseTransactionPooling(client: Client, other: Client, place: string): Promise<void> {
  const first = await processOf(client);
  if (first === announcedProcess(client)) return;
  for (let round = 0; round < ROUNDS; round++) {
    // Twice: where the server connections take turns, two clients that take turns, too, could have
    // the same ones each time.
    const isMoved = (await processOf(client)) !== first || (await processOf(client)) !== first;
    if (isMoved || (await processInTransaction(other, place)) === first) throw refusal(place);
  }
}

async function processInTransaction(client: Client, place: string): Promise<number | undefined> {
  try {
    await client.query('begin');
  } catch (thrown) {
    // A server begins a transaction always; a pooler by statement never does.
    throw refusal(place, thrown);
  }
  const pid = await processOf(client);
  await client.query('rollback');
  return pid;
}

async function processOf(client: Client): Promise<number | undefined> {
  const { rows } = await client.query<{ pid: number }>('select pg_catalog.pg_backend_pid() as pid');
  return rows[0]?.pid;
}

/** Missing in the types of `pg`. */
const announcedProcess = (client: Client): unknown => 'processID' in client && client.processID;

const refusal = (place: string, cause?: unknown): StoreError =>
  new StoreError(
    'unavailable',
    `PostgreSQL at ${place} is behind a pooler that shares server connections between statements: pool by session ` +
      '(PgBouncer: pool_mode = session for this database), or connect to the server itself',
    cause,
  );
