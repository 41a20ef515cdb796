import { StoreError } from '@holdfast/core/store';
import type { Settings } from './options.ts';

/**
 * All settings on which the statements of this store rely. The server, the database or the role may
 * have changed the default of each for new sessions, so that every one is set.
 *
 * Plans are made once, not for each set of parameters. All statements use the indexes, in the order
 * of their parameters, whatever the statistics of a recently empty table suggest.
 */
export const sessionSettings = ({ schema, statementTimeoutMs, lockTimeoutMs }: Settings): string =>
  [
    `search_path to "${schema}"`,
    `statement_timeout to ${statementTimeoutMs}`,
    `idle_in_transaction_session_timeout to ${statementTimeoutMs}`,
    `lock_timeout to ${lockTimeoutMs}`,
    'default_transaction_isolation to "read committed"',
    'default_transaction_read_only to off',
    'default_transaction_deferrable to off',
    'standard_conforming_strings to on',
    'array_nulls to on',
    'transform_null_equals to off',
    'bytea_output to hex',
    // A row hidden by a policy causes an error: it must not appear as a missing transaction.
    'row_security to off',
    'plan_cache_mode to force_generic_plan',
    'enable_seqscan to off',
    'enable_hashjoin to off',
    'enable_mergejoin to off',
    'enable_bitmapscan to off',
    'jit to off',
  ]
    .map((setting) => `set ${setting};`)
    .join(' ');

/**
 * How long the server keeps a connection whose node receives nothing. `statement_timeout` cannot
 * end a statement that is sending its result, so a frozen or disconnected node would keep its
 * locks.
 */
const UNRECEIVED_MS = 10_000;

/**
 * Settings that not all versions have: the idle connection of a node is kept. The last row is for
 * `checkSession`.
 */
export const SESSION_STATE = `
  select set_config(name, '0', false) from pg_catalog.pg_settings where name in ('idle_session_timeout', 'transaction_timeout');
  select set_config(name, '${UNRECEIVED_MS}', false) from pg_catalog.pg_settings where name = 'tcp_user_timeout';
  select pg_catalog.pg_is_in_recovery() as standby, pg_catalog.pg_backend_pid() as pid`;

/** Throws `unavailable` for a server that does not accept writes. */
export function checkSession(row: Readonly<Record<string, unknown>> | undefined, place: string): void {
  if (row?.['standby'] === true)
    throw new StoreError(
      'unavailable',
      `PostgreSQL at ${place} is a standby, which takes no writes: connect to the primary, or name all servers in the URL (postgres://host1,host2/database)`,
    );
}
