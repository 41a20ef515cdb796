import { type SchemaVersions, StoreError } from '@holdfast/core/store';
import type { Client } from 'pg';
import { lacksPrivilege, missingOf, missingPrivilege, refuseWithoutPrivileges } from './privileges.ts';

/** Version of the tables' layout. A change of the tables increments it and adds a migration. */
export const SCHEMA_VERSION = 1;

/**
 * Two numbers that identify the migration lock on all nodes: "hold", and a hash of the schema's
 * name.
 */
const LOCK_CLASS = 0x68_6f_6c_64;

/**
 * Migrations, at the index of the version they start from. During a rolling restart, nodes of the
 * previous version still use the result of a migration, so a migration may add but not remove
 * anything.
 */
const MIGRATIONS: readonly string[] = [
  `
  create table transactions (
    namespace        text collate "C" not null,
    gid              text collate "C" not null,
    version          bigint not null,
    created_at       bigint not null,
    updated_at       bigint not null,
    due_at           bigint,
    finished_at      bigint,
    claims           integer not null,
    entry_count      integer not null,
    attention        boolean not null,
    before_attention boolean not null,
    status           text not null,
    before_status    text not null,
    pattern          text not null,
    app_group        text collate "C" not null,
    owner            text collate "C",
    write_id         text collate "C" not null,
    definition       bytea not null,
    state            bytea not null,
    primary key (namespace, gid)
  ) with (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.05);
  create index due on transactions (app_group, due_at) where due_at is not null;
  create index owned on transactions (owner) where owner is not null;
  -- Every time is above 0. The condition keeps the planner from using this index for a search by key: without statistics,
  -- a scan of the whole namespace would appear to cost the same.
  create index created on transactions (namespace, created_at, gid) where created_at >= 0;
  create index finished on transactions (finished_at) where finished_at is not null;

  create table entries (
    namespace text collate "C" not null,
    gid       text collate "C" not null,
    key       text collate "C" not null,
    position  integer not null,
    body      bytea not null,
    primary key (namespace, gid, key)
  );

  create table counters (
    namespace text collate "C" not null,
    slot      integer not null,
    prepared  bigint not null,
    submitted bigint not null,
    aborting  bigint not null,
    succeed   bigint not null,
    failed    bigint not null,
    attention bigint not null,
    last_at   bigint not null,
    primary key (namespace, slot)
  ) with (fillfactor = 25);

  create table sessions (
    session      text collate "C" primary key,
    node         text not null,
    version      text not null,
    started_at   bigint not null,
    heartbeat_at bigint not null,
    ended_at     bigint
  ) with (fillfactor = 50);
  create index living on sessions (session) where ended_at is null;
  create index ended on sessions (ended_at) where ended_at is not null;

  create table key_values (
    namespace  text collate "C" not null,
    category   text collate "C" not null,
    key        text collate "C" not null,
    value      text not null,
    version    bigint not null,
    created_at bigint not null,
    updated_at bigint not null,
    primary key (namespace, category, key)
  );
  `,
];

/**
 * Creates or migrates the schema, one node after the other; returns the versions before and after.
 * Creates nothing that exists, so that a user who may only change rows can open the store. Throws
 * `unsupported_format` for the schema of a newer Holdfast, and `unavailable`, naming the privilege,
 * if the user lacks one.
 */
export async function prepareSchema(client: Client, schema: string): Promise<SchemaVersions> {
  try {
    return await prepare(client, schema);
  } catch (thrown) {
    throw lacksPrivilege(thrown) ? missingPrivilege(await missingOf(client, schema), thrown) : thrown;
  }
}

async function prepare(client: Client, schema: string): Promise<SchemaVersions> {
  await client.query('begin');
  // Another node may migrate for longer than a statement waits for a lock.
  await client.query('set local lock_timeout to 0');
  await client.query('select pg_advisory_xact_lock($1, hashtext($2))', [LOCK_CLASS, schema]);
  const found = await readVersion(client, schema);
  if (found > SCHEMA_VERSION)
    throw new StoreError(
      'unsupported_format',
      `the schema ${schema} has version ${found}; this Holdfast knows up to ${SCHEMA_VERSION}: use the version that made it, or a newer one`,
    );
  await addMissingKey(client, schema);
  for (let version = found; version < SCHEMA_VERSION; version++) {
    await client.query(MIGRATIONS[version] ?? '');
    await client.query('update schema_version set version = $1', [version + 1]);
  }
  await client.query('commit');
  await refuseWithoutPrivileges(client, schema);
  return { found, current: SCHEMA_VERSION };
}

/**
 * The version of the schema; 0 if the schema is new, in which case the table for its version is
 * created.
 */
async function readVersion(client: Client, schema: string): Promise<number> {
  // A user without CREATE may use an existing schema: `if not exists` would require the privilege
  // in any case.
  if (!(await exists(client, 'select from pg_namespace where nspname = $1', schema)))
    await client.query(`create schema "${schema}"`);
  if (!(await exists(client, `select from pg_tables where schemaname = $1 and tablename = 'schema_version'`, schema))) {
    await client.query('create table schema_version (version integer primary key)');
    await client.query('insert into schema_version (version) values (0)');
  }
  const { rows } = await client.query<{ version: number }>('select version from schema_version');
  return rows[0]?.version ?? 0;
}

/**
 * Adds the primary key of `schema_version` that an earlier Holdfast did not create: with a
 * publication of all tables, PostgreSQL rejects updates of a table without one. The version stays,
 * since earlier versions work with the key as well. Only the owner of the table can add it; other
 * users need it only for a later migration, which they cannot run either.
 */
async function addMissingKey(client: Client, schema: string): Promise<void> {
  const keyless = `select from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where n.nspname = $1 and c.relname = 'schema_version' and pg_has_role(c.relowner, 'usage')
      and not exists (select from pg_index i where i.indrelid = c.oid and i.indisprimary)`;
  if (await exists(client, keyless, schema)) await client.query('alter table schema_version add primary key (version)');
}

const exists = async (client: Client, text: string, name: string): Promise<boolean> =>
  (await client.query(text, [name])).rows.length > 0;
