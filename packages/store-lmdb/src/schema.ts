import { type SchemaVersions, StoreError } from '@holdfast/core/store';
import { ByteReader } from './bytes.ts';
import { Changes } from './changes.ts';
import type { Environment } from './environment.ts';
import { SCHEMA_VERSION } from './formats.ts';
import { SCHEMA_KEY } from './keys.ts';

/**
 * Migrations from one schema version to the next, by the version they start from. None exists yet:
 * version 1 is the first.
 */
const MIGRATIONS: ReadonlyMap<number, (env: Environment) => Promise<void>> = new Map();

/**
 * Creates or migrates the schema; resolves to the versions before and after. Throws
 * `unsupported_format` for a file that a newer Holdfast wrote.
 */
export async function prepareSchema(env: Environment): Promise<SchemaVersions> {
  const found = readVersion(env);
  if (found > SCHEMA_VERSION)
    throw new StoreError(
      'unsupported_format',
      `the data has schema version ${found}; this Holdfast knows up to ${SCHEMA_VERSION}: use the version that wrote it, or a newer one`,
    );
  if (found === 0) await writeVersion(env, SCHEMA_VERSION);
  else
    for (let version = found; version < SCHEMA_VERSION; version++) {
      await MIGRATIONS.get(version)?.(env);
      await writeVersion(env, version + 1);
    }
  return { found, current: SCHEMA_VERSION };
}

/** The schema version of the file; 0 for a new file. */
export function readVersion(env: Environment): number {
  const value = env.read(SCHEMA_KEY);
  return value === undefined ? 0 : new ByteReader(value).u32();
}

async function writeVersion(env: Environment, version: number): Promise<void> {
  const changes = new Changes();
  const start = changes.writer.position;
  changes.writer.u32(version);
  changes.put(SCHEMA_KEY, start);
  await env.commit(changes);
}
