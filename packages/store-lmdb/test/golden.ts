import { readFile } from 'node:fs/promises';
import type { StoredFormat } from '@holdfast/conformance';
import { open } from 'lmdb';
import { type GoldenRecord, thaw, unhex } from '@holdfast/testing/store-cases';

/**
 * A file as hex, and the records that are in it. Written once by the version that introduced the
 * format; never written again.
 */
interface Golden {
  readonly pairs: readonly (readonly [key: string, value: string])[];
  readonly records: readonly GoldenRecord[];
}

const readGolden = async (name: string): Promise<Golden> =>
  JSON.parse(await readFile(new URL(`golden/${name}.json`, import.meta.url), 'utf8')) as Golden;

/** Writes keys and values to a folder as they are. */
export async function writeRaw(path: string, pairs: Iterable<readonly [Uint8Array, Uint8Array]>): Promise<void> {
  const db = open<Buffer, Uint8Array>({
    path,
    noSubdir: false,
    keyEncoding: 'binary',
    encoding: 'binary',
    overlappingSync: false,
  });
  await db.batch(() => {
    for (const [key, value] of pairs) void db.put(key, Buffer.from(value));
  });
  await db.close();
}

/** A format of which a file was kept. */
export const goldenFormat = (name: string): StoredFormat => ({
  name,
  async plant(place) {
    const { pairs, records } = await readGolden(name);
    if (!('path' in place) || typeof place.path !== 'string') throw new Error('a place of LMDB has a path');
    await writeRaw(
      place.path,
      pairs.map(([key, value]) => [unhex(key), unhex(value)] as const),
    );
    return records.map(thaw);
  },
});
