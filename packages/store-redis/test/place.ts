import { fileURLToPath } from 'node:url';
import type { StorePlace } from '@holdfast/conformance';
import { Redis } from 'ioredis';
import { createRedisStore } from '../src/index.ts';

export interface RedisPlace extends StorePlace {
  readonly url: string;
  readonly prefix: string;
}

let prefixes = 0;

/**
 * A key prefix of its own, with clocks that only the test moves. The server's data go with the
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
    writerProcess: { command: process.execPath, args: [program, url, prefix] },
    remove: async () => undefined,
  };
}
