import { StoreError } from '@holdfast/core/store';
import type { Client } from 'pg';

/**
 * Rounds in which a pooler has the opportunity to assign the same server connection to two clients.
 */
const ROUNDS = 10;

/**
 * Throws `unavailable` if a pooler between this node and the server assigns server connections to
 * other clients between statements: the session then has settings and prepared statements of other
 * sessions, and nearly every call fails.
 *
 * A server reports its process ID when a connection begins; behind a pooler, statements run in
 * another process. A pooler in session mode keeps that process for the whole connection. No
 * statement of `client` is sent while `other` is in a transaction, since a pool with one server
 * connection would make it wait.
 */
export async function refuseTransactionPooling(client: Client, other: Client, place: string): Promise<void> {
  const first = await processOf(client);
  if (first === announcedProcess(client)) return;
  for (let round = 0; round < ROUNDS; round++) {
    // Checked twice: where server connections rotate, two clients that alternate could have the
    // same ones each time.
    const isMoved = (await processOf(client)) !== first || (await processOf(client)) !== first;
    if (isMoved || (await processInTransaction(other, place)) === first) throw refusal(place);
  }
}

async function processInTransaction(client: Client, place: string): Promise<number | undefined> {
  try {
    await client.query('begin');
  } catch (thrown) {
    // A server can always begin a transaction; a pooler in statement mode never does.
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
