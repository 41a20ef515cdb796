import { readFile } from 'node:fs/promises';
import type { StoredFormat } from '@holdfast/conformance';
import { type GoldenRecord, thaw } from '@holdfast/testing/store-cases';
import { runAt } from '@holdfast/testing/mysql';

const read = (name: string): Promise<string> => readFile(new URL(`golden/${name}`, import.meta.url), 'utf8');

/**
 * A schema version whose tables were kept as statements that make them; written once by the version
 * that introduced it, never again.
 */
export const goldenFormat = (name: string): StoredFormat => ({
  name,
  async plant(place) {
    if (!('url' in place && 'prefix' in place)) throw new Error('a place of MariaDB has a URL and a prefix');
    const { url, prefix } = place as { url: string; prefix: string };
    await runAt(url, (await read(`${name}.sql`)).replaceAll('golden_', prefix));
    return (JSON.parse(await read(`${name}.json`)) as GoldenRecord[]).map(thaw);
  },
});
