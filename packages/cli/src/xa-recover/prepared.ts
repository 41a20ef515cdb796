import { branchIdInXaName } from '@holdfast/protocol';
import type { Database } from '../database/open-database.ts';

/** A prepared transaction that an XA participant may have created. */
export interface Prepared {
  /** `GID-BRANCH`. */
  readonly name: string;
  /**
   * Gid and branch ID may both contain hyphens, so a name can have several readings; the likeliest
   * comes first.
   */
  readonly readings: readonly [Reading, ...Reading[]];
  /** Undefined: the database does not report it (MySQL, MariaDB). */
  readonly ageMs: number | undefined;
}

/** A branch of a global transaction that a name may refer to. */
export interface Reading {
  readonly gid: string;
  readonly branchId: string;
  /**
   * Whether the ID has the form of an xa branch (two digits per level). Otherwise it can only be a
   * workflow step.
   */
  readonly numbered: boolean;
}

/**
 * The prepared transactions of a database whose names may be those of branches; others are ignored.
 */
export async function listPrepared(database: Database): Promise<readonly Prepared[]> {
  return database.kind === 'postgres' ? listInPostgres(database) : listInMysql(database);
}

/**
 * Commits or rolls back a prepared transaction. Rejects with the client library's error, also if it
 * no longer exists.
 */
export async function endPrepared(database: Database, name: string, how: 'commit' | 'rollback'): Promise<void> {
  const hex = Buffer.from(name).toString('hex');
  // These statements take no parameters for the name. Written in hexadecimal, or with doubled
  // quotes in a string without escapes, no character of the name is special.
  await database.query(
    database.kind === 'mysql' ? `xa ${how} X'${hex}'` : `${how} prepared '${name.replaceAll("'", "''")}'`,
  );
}

async function listInPostgres(database: Database): Promise<readonly Prepared[]> {
  await database.query('set standard_conforming_strings = on');
  const rows = await database.query(
    `select gid, (extract(epoch from now() - prepared) * 1000)::float8 as age_ms from pg_prepared_xacts
     where database = current_database() order by prepared`,
  );
  return rows.flatMap((row) => named(String(row['gid']), Number(row['age_ms'])));
}

async function listInMysql(database: Database): Promise<readonly Prepared[]> {
  const rows = await database.query('xa recover');
  const ours = rows.filter((row) => Number(row['bqual_length']) === 0 && Number(row['formatID']) === 1);
  return ours.flatMap((row) => named(String(row['data']), undefined));
}

function named(name: string, ageMs: number | undefined): Prepared[] {
  const [first, ...others] = readingsOf(name);
  return first === undefined ? [] : [{ name, readings: [first, ...others], ageMs }];
}

/** The ID of an xa branch, and the ID of a workflow step as it may occur in a name. */
const NUMBERED = /^(?:\d\d)+$/;
const STEP = /^[A-Za-z0-9][A-Za-z0-9_.:-]{0,63}$/;

/** All readings, the shortest branch ID first, since few branch IDs contain hyphens. */
function readingsOf(name: string): readonly Reading[] {
  const readings: Reading[] = [];
  for (let at = name.lastIndexOf('-'); at > 0; at = name.lastIndexOf('-', at - 1)) {
    const part = name.slice(at + 1);
    // A hyphen in the branch ID: the step was named by the previous version.
    const branchId = part.includes('-') ? part : branchIdInXaName(part);
    if (STEP.test(branchId)) readings.push({ gid: name.slice(0, at), branchId, numbered: NUMBERED.test(branchId) });
  }
  return readings;
}
