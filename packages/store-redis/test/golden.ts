import { readFile } from 'node:fs/promises';
import type { StoredFormat } from '@holdfast/conformance';
import type { StoredTransaction } from '@holdfast/core';
import { Redis } from 'ioredis';

/** A record with its bodies as hex. */
type GoldenRecord = Omit<StoredTransaction, 'definition' | 'state' | 'entries'> & {
  readonly definition: string;
  readonly state: string;
  readonly entries: readonly { readonly key: string; readonly body: string }[];
};

/** What was stored: commands that make the keys again, arguments as hex; keys stand there without what they all begin with. */
interface Golden {
  readonly commands: readonly (readonly [command: string, key: string, ...args: string[]])[];
  readonly records: readonly GoldenRecord[];
}

const unhex = (hex: string): Buffer => Buffer.from(hex, 'hex');

const thaw = (record: GoldenRecord): StoredTransaction => ({
  ...record,
  definition: unhex(record.definition),
  state: unhex(record.state),
  entries: record.entries.map(({ key, body }) => ({ key, body: unhex(body) })),
});

/** A schema version whose keys were kept; written once by the version that introduced it, never again. */
export const goldenFormat = (name: string): StoredFormat => ({
  name,
  async plant(place) {
    if (!('url' in place && 'prefix' in place)) throw new Error('a place of Redis has a URL and a prefix');
    const { url, prefix } = place as { url: string; prefix: string };
    const text = await readFile(new URL(`golden/${name}.json`, import.meta.url), 'utf8');
    const { commands, records } = JSON.parse(text) as Golden;
    const client = new Redis(url);
    try {
      for (const [command, key, ...args] of commands)
        await client.call(command, Buffer.concat([Buffer.from(`{${prefix}}:`), unhex(key)]), ...args.map(unhex));
    } finally {
      client.disconnect();
    }
    return records.map(thaw);
  },
});
