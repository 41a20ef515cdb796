import { readFile } from 'node:fs/promises';
import type { StoredFormat } from '@holdfast/conformance';
import { type GoldenRecord, thaw } from '@holdfast/testing/store-cases';
import { runAt } from '@holdfast/testing/postgres';

const read = (name: string): Promise<string> => readFile(new URL(`golden/${name}`, import.meta.url), 'utf8');

/**
 * A schema version whose tables were kept as statements that make them; written once by the version
 * that introduced it, never again.
 */
export const goldenFormat = (name: string): StoredFormat => ({
  name,
  async plant(place) {
    if (!('url' in place && 'schema' in place)) throw new Error('a place of PostgreSQL has a URL and a schema');
    const { url, schema } = place as { url: string; schema: string };
    await runAt(url, `create schema ${schema}; set search_path to ${schema}; ${await read(`${name}.sql`)}`);
    return (JSON.parse(await read(`${name}.json`)) as GoldenRecord[]).map(thaw);
  },
});
