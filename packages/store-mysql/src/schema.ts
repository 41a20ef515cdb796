import { type SchemaVersions, StoreError } from '@holdfast/core/store';
import type { StatementResult } from './call.ts';
import { errnoOf, textOf } from './errors.ts';
import { text } from './sql.ts';

/** Version of the tables' layout. A change of the tables increments it and adds a migration. */
export const SCHEMA_VERSION = 1;

/** Longest time that a node waits while another one migrates, or for a table that it changes. */
const LOCK_WAIT_S = 60;

/** The names of the tables. */
export interface Tables {
  readonly transactions: string;
  readonly entries: string;
  readonly counters: string;
  readonly sessions: string;
  readonly keyValues: string;
  readonly marks: string;
  readonly schemaVersion: string;
}

export const tablesOf = (prefix: string): Tables => ({
  transactions: `${prefix}transactions`,
  entries: `${prefix}entries`,
  counters: `${prefix}counters`,
  sessions: `${prefix}sessions`,
  keyValues: `${prefix}key_values`,
  marks: `${prefix}marks`,
  schemaVersion: `${prefix}schema_version`,
});

/**
 * Joins transactions `t` to a table of IDs. Whatever the statistics suggest, they are found by key,
 * one after the other, in the order of that table.
 */
export const byKey = ({ transactions }: Tables, ids: string): string =>
  `straight_join ${transactions} t force index (primary) on t.id = ${ids}.id`;

const TABLE = 'engine = InnoDB row_format = dynamic default character set binary';

/**
 * Migrations, at the index of the version they start from. During a rolling restart, nodes of the
 * previous version still use the result of a migration, so a migration may add but not remove
 * anything. These databases commit each statement that creates a table separately, so each
 * statement must be repeatable.
 *
 * A transaction's `id` is its namespace, a NUL, and its gid. `place` and `at` describe where it is,
 * in one index for all searches: `d` and its group with the due time, `o` and its owner, `f` with
 * the time it finished, `p` if it is parked. `applied_by` is the call that changed it last.
 */
const MIGRATIONS: readonly ((tables: Tables) => readonly string[])[] = [
  (tables) => [
    `create table if not exists ${tables.transactions} (
      id               varbinary(640) not null,
      namespace        varbinary(256) not null,
      version          bigint not null,
      created_at       bigint not null,
      updated_at       bigint not null,
      place            varbinary(1040) not null,
      at               bigint not null,
      claims           int not null,
      entry_count      int not null,
      attention        tinyint not null,
      before_attention tinyint not null,
      status           varbinary(16) not null,
      before_status    varbinary(16) not null,
      pattern          varbinary(16) not null,
      app_group        varbinary(512) not null,
      write_id         varbinary(512) not null,
      applied_by       bigint not null,
      definition       mediumblob not null,
      state            mediumblob not null,
      primary key (id),
      key place (place, at),
      key created (namespace, created_at)
    ) ${TABLE}`,
    `create table if not exists ${tables.entries} (
      id        varbinary(640) not null,
      entry_key varbinary(1536) not null,
      position  int not null,
      body      mediumblob not null,
      primary key (id, entry_key)
    ) ${TABLE}`,
    `create table if not exists ${tables.counters} (
      namespace varbinary(256) not null,
      slot      int not null,
      prepared  bigint not null,
      submitted bigint not null,
      aborting  bigint not null,
      succeed   bigint not null,
      failed    bigint not null,
      attention bigint not null,
      last_at   bigint not null,
      primary key (namespace, slot)
    ) ${TABLE}`,
    `create table if not exists ${tables.sessions} (
      session      varbinary(1024) not null,
      node         blob not null,
      version      blob not null,
      started_at   bigint not null,
      heartbeat_at bigint not null,
      ended_at     bigint,
      ended_by     bigint,
      primary key (session),
      key ended (ended_at)
    ) ${TABLE}`,
    `create table if not exists ${tables.keyValues} (
      namespace  varbinary(256) not null,
      category   varbinary(256) not null,
      name       varbinary(1024) not null,
      value      mediumblob not null,
      version    bigint not null,
      created_at bigint not null,
      updated_at bigint not null,
      primary key (namespace, category, name)
    ) ${TABLE}`,
    `create table if not exists ${tables.marks} (
      id tinyint not null,
      n  bigint not null,
      primary key (id)
    ) ${TABLE}`,
  ],
];

type Run = (...statements: readonly string[]) => Promise<readonly StatementResult[]>;

/**
 * Error numbers of missing privileges: on the database, a table, a column; an administrator's
 * privilege.
 */
const LACKING = new Set([1044, 1142, 1143, 1227]);

/**
 * Creates or migrates the schema, one node after the other; returns the versions before and after.
 * Creates nothing that exists, so that a user who may only change rows can open the store. Throws
 * `unsupported_format` for tables of a newer Holdfast, and `unavailable` if the user lacks a
 * privilege.
 */
export async function prepareSchema(run: Run, tables: Tables): Promise<SchemaVersions> {
  try {
    let versions = { found: await readVersion(run, tables), current: SCHEMA_VERSION };
    if (versions.found < SCHEMA_VERSION) versions = await migrateInTurn(run, tables);
    await run(...privilegeProbes(tables));
    return versions;
  } catch (thrown) {
    throw LACKING.has(errnoOf(thrown) ?? 0) ? missingPrivilege(thrown) : thrown;
  }
}

/**
 * Reads and changes each table without affecting a row, so that a missing privilege is an error at
 * open, not in the middle of a batch.
 */
function privilegeProbes(tables: Tables): readonly string[] {
  const changed: readonly (readonly [table: string, column: string])[] = [
    [tables.transactions, 'version'],
    [tables.entries, 'position'],
    [tables.counters, 'last_at'],
    [tables.sessions, 'heartbeat_at'],
    [tables.keyValues, 'version'],
    [tables.marks, 'n'],
  ];
  const deleted = [tables.transactions, tables.entries, tables.sessions, tables.keyValues];
  return [
    ...changed.flatMap(([table, column]) => [
      `insert into ${table} select * from ${table} where false`,
      `update ${table} set ${column} = ${column} where false`,
    ]),
    ...deleted.map((table) => `delete from ${table} where false`),
  ];
}

const missingPrivilege = (cause: unknown): StoreError =>
  new StoreError(
    'unavailable',
    `${textOf(cause)}: grant SELECT, INSERT, UPDATE and DELETE on the tables of the store to this user, and create them with "holdfast migrate" as a user who also has CREATE`,
    cause,
  );

async function migrateInTurn(run: Run, tables: Tables): Promise<SchemaVersions> {
  // Names of locks are valid across the whole server.
  const lock = `left(concat('holdfast ', sha1(concat(database(), ' ', ${text(tables.schemaVersion)}))), 64)`;
  const [locked] = await run(`select get_lock(${lock}, ${LOCK_WAIT_S}) as locked`);
  if (Number(locked?.rows[0]?.['locked']) !== 1)
    throw new StoreError('unavailable', 'another node has been preparing the tables for a minute');
  try {
    await run(`set @waits = @@session.lock_wait_timeout, session lock_wait_timeout = ${LOCK_WAIT_S}`);
    return await migrate(run, tables);
  } finally {
    await run('set session lock_wait_timeout = @waits');
    await run(`do release_lock(${lock})`);
  }
}

/** The version of the tables; 0 if they are new. */
async function readVersion(run: Run, tables: Tables): Promise<number> {
  const [there] = await run(
    `select 1 from information_schema.tables where table_schema = database() and table_name = ${text(tables.schemaVersion)}`,
  );
  if (there?.rows.length === 0) return 0;
  const [result] = await run(`select max(version) as version from ${tables.schemaVersion}`);
  const found = Number(result?.rows[0]?.['version'] ?? 0);
  if (found > SCHEMA_VERSION)
    throw new StoreError(
      'unsupported_format',
      `the tables ${tables.schemaVersion} … have version ${found}; this Holdfast knows up to ${SCHEMA_VERSION}: use the version that made them, or a newer one`,
    );
  return found;
}

async function migrate(run: Run, tables: Tables): Promise<SchemaVersions> {
  await run(
    `create table if not exists ${tables.schemaVersion} (version int not null, primary key (version)) ${TABLE}`,
  );
  const found = await readVersion(run, tables);
  for (let version = found; version < SCHEMA_VERSION; version++) {
    for (const statement of MIGRATIONS[version]?.(tables) ?? []) await run(statement);
    await run(`insert into ${tables.schemaVersion} (version) values (${version + 1})`);
  }
  return { found, current: SCHEMA_VERSION };
}
