import { readFile } from 'node:fs/promises';
import type { StoredFormat } from '@holdfast/conformance';
import { Redis } from 'ioredis';
import { type GoldenRecord, thaw, unhex } from '@holdfast/testing/store-cases';

/**
 * Stored data as the commands that recreate the keys, with arguments as hex and keys without their
 * common prefix.
 */
interface Golden {
  readonly commands: readonly (readonly [command: string, key: string, ...args: string[]])[];
  readonly records: readonly GoldenRecord[];
}

/**
 * A schema version whose keys were kept; written once by the version that introduced it, never
 * again.
 */
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
