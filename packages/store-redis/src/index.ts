import { CheckedStore, type Store } from '@holdfast/core/store';
import { type RedisStoreOptions, settingsOf } from './options.ts';
import { RedisStore } from './redis-store.ts';

export type { RedisStoreOptions } from './options.ts';

/**
 * Creates a shared store on Redis, not open yet. Throws `StoreError` `invalid` for a URL or a key
 * prefix that cannot be used.
 */
export const createRedisStore = (options: RedisStoreOptions): Store =>
  new CheckedStore(new RedisStore(settingsOf(options)));

export { openRedisCommands, type RedisCommands } from './commands.ts';
export type { Reply } from './connection.ts';
