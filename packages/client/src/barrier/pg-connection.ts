import type { PoolClient } from 'pg';
import { CommitUnknown } from './barrier.ts';
import { TransactionEnded } from './errors.ts';
import type { PooledConnection } from './transaction.ts';

/**
 * Classes of SQLSTATE with which PostgreSQL rejects a commit: data, constraints, triggers,
 * conflicts with other transactions. After any other error (the server shuts down, waits for a
 * replica, reports an unknown outcome) it is uncertain whether anything was committed.
 */
const REFUSED = /^(?:22|23|25|27|40(?!003)|42|44|P0)/;

/** SQLSTATE: there is no transaction. */
const NO_TRANSACTION = '25P01';

/** A client of a `pg` pool, for one transaction that begins with this statement. */
export function pgConnection(client: PoolClient, begin: string): PooledConnection<PoolClient> {
  // A broken connection notifies its pending query and its listeners; without a listener the
  // process would end.
  client.on('error', ignore);
  return {
    tx: client,
    begin: async () => {
      await client.query(begin);
    },
    commit: () => commit(client),
    rollback: async () => {
      await client.query('rollback');
    },
    release: (reusable) => {
      client.off('error', ignore);
      client.release(!reusable);
    },
  };
}

async function commit(client: PoolClient): Promise<void> {
  let over = false;
  // If the work itself has ended the transaction, commit is a warning, and still returns COMMIT.
  // The warning arrives before the response.
  const listen = ({ code }: { readonly code?: string | undefined }): void => {
    over ||= code === NO_TRANSACTION;
  };
  client.on('notice', listen);
  let result: { readonly command: string };
  try {
    result = await client.query('commit');
  } catch (error) {
    throw isRefused(error) ? error : new CommitUnknown(error);
  } finally {
    client.off('notice', listen);
  }
  // In a transaction that an error has aborted, commit rolls back without an error.
  if (over || result.command !== 'COMMIT') throw new TransactionEnded();
}

function isRefused(error: unknown): boolean {
  if (!(error instanceof Error) || !('code' in error) || !('severity' in error)) return false;
  return error.severity === 'ERROR' && typeof error.code === 'string' && REFUSED.test(error.code);
}

const ignore = (): void => {};
