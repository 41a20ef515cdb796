import { type DatabaseServer, type RedisSettings, startRedis } from '../servers/index.ts';
import { Redis } from 'ioredis';
import { usePrivateServer } from './private-server.ts';

/** A private Redis for a test file, started before its tests and stopped after them. */
export interface TestServer {
  readonly url: () => string;
  readonly server: () => DatabaseServer;
  /** Runs a command outside of any store, on a separate connection. */
  readonly run: (command: string, ...args: readonly string[]) => Promise<unknown>;
}

/** Call it within a `describeWith(['redis-server'], …)`. */
export function useServer(settings: RedisSettings = {}): TestServer {
  const server = usePrivateServer('Redis', () => startRedis(settings));
  return { server, url: () => server().url, run: (command, ...args) => runAt(server().url, command, ...args) };
}

/** Runs a command on a separate connection. */
export async function runAt(url: string, command: string, ...args: readonly string[]): Promise<unknown> {
  const client = new Redis(url, { lazyConnect: true, enableReadyCheck: false, retryStrategy: () => null });
  client.on('error', () => undefined);
  try {
    await client.connect();
    return await client.call(command, ...args);
  } finally {
    client.disconnect();
  }
}

let prefixes = 0;
/** A key prefix that no test used before. */
export const newPrefix = (): string => `own_${++prefixes}`;
