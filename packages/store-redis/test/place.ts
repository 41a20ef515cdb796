import { fileURLToPath } from 'node:url';
import type { StorePlace } from '@holdfast/conformance';
import { Redis } from 'ioredis';
import { createRedisStore } from '../src/index.ts';

export interface RedisPlace extends StorePlace {
  readonly url: string;
  readonly prefix: string;
}

const FIELD_OF = { state: 'S', definition: 'D', entry: 'e1' } as const;

/** Bytes of the body of an entry as stored: the length of its key, a colon, the key, the body. */
const bodyLengthOf = (stored: Buffer): number => {
  const colon = stored.indexOf(':');
  return stored.length - colon - 1 - Number(stored.toString('latin1', 0, colon));
};

/** Changes of a record's hash, as commands without the key. */
const DAMAGED_HEADS: Readonly<Record<string, readonly (readonly string[])[]>> = {
  'a version that is a text': [['HSET', 'v', 'x']],
  'an empty number of claims': [['HSET', 'c', '']],
  'a number of entries that is a text': [['HSET', 'n', 'x']],
  'a number of entries that is too large': [['HSET', 'n', '1000000000000']],
  'no definition': [['HDEL', 'D']],
  'no state': [['HDEL', 'S']],
  'no status': [['HDEL', 's']],
  'neither group nor owner': [['HDEL', 'g', 'o']],
  'a time of creation that is a text': [['HSET', 'x', 'long ago']],
};

export const DAMAGED_HEAD_NAMES = Object.keys(DAMAGED_HEADS);

let prefixes = 0;

/**
 * A new key prefix, with clocks that only the test moves. The data are deleted together with the
 * server.
 */
export async function createPlace(url: string): Promise<RedisPlace> {
  const prefix = `test_${++prefixes}`;
  let wallMs = 1_700_000_000_000;
  let monotonicMs = 1_000;
  const program = fileURLToPath(new URL('programs/crash-writer.mjs', import.meta.url));
  return {
    url,
    prefix,
    createStore: () => createRedisStore({ url, prefix, wallMs: () => wallMs, monotonicMs: () => monotonicMs }),
    moveWallClock: (byMs) => void (wallMs += byMs),
    passTime: (byMs) => {
      wallMs += byMs;
      monotonicMs += byMs;
    },
    setWords: async (gid, { status, pattern }) => {
      const client = new Redis(url);
      const key = `{${prefix}}:t7:default${gid}`;
      if (status !== undefined) await client.hset(key, 's', status);
      if (pattern !== undefined) await client.hset(key, 'p', pattern);
      client.disconnect();
    },
    damage: async (gid, damage) => {
      const client = new Redis(url);
      const key = `{${prefix}}:t7:default${gid}`;
      if (damage.part === 'head') {
        for (const [command = '', ...words] of DAMAGED_HEADS[damage.name] ?? [])
          await client.call(command, key, ...words);
      } else {
        const field = FIELD_OF[damage.part];
        const stored = (await client.hgetBuffer(key, field)) ?? Buffer.alloc(0);
        // An entry begins with its key.
        const from = damage.part === 'entry' ? stored.length - bodyLengthOf(stored) : 0;
        const body = damage.change(stored.subarray(from));
        if (body === undefined) await client.hdel(key, field);
        else await client.hset(key, field, Buffer.concat([stored.subarray(0, from), body]));
      }
      client.disconnect();
    },
    addColumns: async () => {
      const client = new Redis(url);
      for (const key of await client.keys(`{${prefix}}:*`))
        if ((await client.type(key)) === 'hash') await client.hset(key, 'later', 'value');
      client.disconnect();
    },
    writerProcess: { command: process.execPath, args: [program, url, prefix] },
    remove: async () => undefined,
  };
}
