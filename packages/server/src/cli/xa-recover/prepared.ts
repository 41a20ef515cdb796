import { branchIdInXaName } from '@holdfast/protocol';
import type { Database } from '../database/open-database.ts';

/** A prepared transaction that a participant of XA may have made. */
export interface Prepared {
  /** `GID-BRANCH`. */
  readonly name: string;
  /** Both may hold hyphens, so that the name may be read in several ways; the likeliest first. */
  readonly readings: readonly [Reading, ...Reading[]];
  /** Undefined: the database does not tell (MySQL, MariaDB). */
  readonly ageMs: number | undefined;
}

/** Which branch of which global transaction a name may speak of. */
export interface Reading {
  readonly gid: string;
  readonly branchId: string;
  /** As branches of an xa are: two digits a level. Else it can only be a workflow's step. */
  readonly numbered: boolean;
}

/** The prepared transactions of a database whose names look like those of branches; others are none of our business. */
export async function listPrepared(database: Database): Promise<readonly Prepared[]> {
  return database.kind === 'postgres' ? listInPostgres(database) : listInMysql(database);
}

/** Ends one. Rejects with the driver's error, also when it is gone meanwhile. */
export async function endPrepared(database: Database, name: string, how: 'commit' | 'rollback'): Promise<void> {
  const hex = Buffer.from(name).toString('hex');
  // Names of no statement are parameters; in hexadecimal, or with its quotes doubled in a text without escapes, no character means anything.
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

/** A branch of an xa, or a step of a workflow as its name may be. */
const NUMBERED = /^(?:\d\d)+$/;
const STEP = /^[A-Za-z0-9][A-Za-z0-9_.:-]{0,63}$/;

/** The shortest branch id first: few of them have hyphens. */
function readingsOf(name: string): readonly Reading[] {
  const readings: Reading[] = [];
  for (let at = name.lastIndexOf('-'); at > 0; at = name.lastIndexOf('-', at - 1)) {
    const part = name.slice(at + 1);
    // One with a hyphen is of a step that the version before named.
    const branchId = part.includes('-') ? part : branchIdInXaName(part);
    if (STEP.test(branchId)) readings.push({ gid: name.slice(0, at), branchId, numbered: NUMBERED.test(branchId) });
  }
  return readings;
}
