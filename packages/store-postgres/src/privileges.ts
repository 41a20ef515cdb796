import { StoreError } from '@holdfast/core/store';
import type { Client } from 'pg';
import { sqlState } from './errors.ts';

/**
 * SQLSTATE: insufficient privilege; undefined table, which is what a user without USAGE on a schema
 * gets.
 */
const LACKING: readonly unknown[] = ['42501', '42P01'];

/** True for an error that a missing privilege can cause. */
export const lacksPrivilege = (thrown: unknown): boolean => LACKING.includes(sqlState(thrown));

/** The privileges that a node needs on each table. */
const CHANGED = ['SELECT', 'INSERT', 'UPDATE'];
const DELETED = [...CHANGED, 'DELETE'];
const NEEDED = { transactions: DELETED, entries: DELETED, counters: CHANGED, sessions: DELETED, key_values: DELETED };

/** Throws `unavailable` if the user cannot read and change the rows of every table. */
export async function refuseWithoutPrivileges(client: Client, schema: string): Promise<void> {
  const pairs = Object.entries(NEEDED).flatMap(([table, privileges]) =>
    privileges.map((name) => [table, name] as const),
  );
  const { rows } = await client.query<{ lacking: string }>(
    `select privilege || ' on ' || $1 || '.' || name as lacking from unnest($2::text[], $3::text[]) n (name, privilege)
     where not has_table_privilege(quote_ident($1) || '.' || name, privilege)`,
    [schema, pairs.map(([table]) => table), pairs.map(([, privilege]) => privilege)],
  );
  if (rows.length > 0) throw missingPrivilege(rows.map(({ lacking }) => lacking).join(', '));
}

/** The privilege that the user lacked when preparing the schema. */
export async function missingOf(client: Client, schema: string): Promise<string> {
  await client.query('rollback');
  const { rows } = await client.query<{ usage: boolean | null; created: boolean; user: string }>(
    `select has_schema_privilege(n.oid, 'USAGE') as usage,
       exists (select from pg_tables where schemaname = $1 and tablename = 'schema_version') as created
     from (select 1) one left join pg_namespace n on n.nspname = $1`,
    [schema],
  );
  const [found] = rows;
  if (typeof found?.usage !== 'boolean') return 'CREATE on the database';
  if (!found.usage) return `USAGE on schema ${schema}`;
  return found.created
    ? `SELECT, INSERT, UPDATE and DELETE on all tables in schema ${schema}`
    : `CREATE on schema ${schema}`;
}

export const missingPrivilege = (privilege: string, cause?: unknown): StoreError =>
  new StoreError(
    'unavailable',
    `the user lacks the privilege ${privilege}: grant it, or create the tables with "holdfast migrate" as a user who has it`,
    cause,
  );
