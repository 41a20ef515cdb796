import { readFile } from 'node:fs/promises';
import type { StoredFormat } from '@holdfast/conformance';
import type { StoredTransaction } from '@holdfast/core';
import { runAt } from './server.ts';

/** A record with its bodies as hex. */
type GoldenRecord = Omit<StoredTransaction, 'definition' | 'state' | 'entries'> & {
  readonly definition: string;
  readonly state: string;
  readonly entries: readonly { readonly key: string; readonly body: string }[];
};

const read = (name: string): Promise<string> => readFile(new URL(`golden/${name}`, import.meta.url), 'utf8');

const unhex = (hex: string): Uint8Array => Buffer.from(hex, 'hex');

const thaw = (record: GoldenRecord): StoredTransaction => ({
  ...record,
  definition: unhex(record.definition),
  state: unhex(record.state),
  entries: record.entries.map(({ key, body }) => ({ key, body: unhex(body) })),
});

/** A schema version whose tables were kept as statements that make them; written once by the version that introduced it, never again. */
export const goldenFormat = (name: string): StoredFormat => ({
  name,
  async plant(place) {
    if (!('url' in place && 'prefix' in place)) throw new Error('a place of MariaDB has a URL and a prefix');
    const { url, prefix } = place as { url: string; prefix: string };
    await runAt(url, (await read(`${name}.sql`)).replaceAll('golden_', prefix));
    return (JSON.parse(await read(`${name}.json`)) as GoldenRecord[]).map(thaw);
  },
});
