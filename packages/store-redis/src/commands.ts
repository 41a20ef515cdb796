import { Connection, type Reply, script } from './connection.ts';
import { settingsOf } from './options.ts';

/** A connection for keys that are not the store's, such as those of a system to import from. */
export interface RedisCommands {
  /** Runs a command that changes nothing. Rejects with `StoreError`. */
  query(command: string, ...args: readonly (string | number)[]): Promise<Reply>;
  /** Runs a script that changes keys; `key` is its first key. Rejects with `StoreError`. */
  change(text: string, key: string, ...args: readonly (string | number)[]): Promise<Reply>;
  close(): Promise<void>;
}

/** Connects when it is first used. Throws `StoreError` `invalid` for a URL that cannot be used. */
export function openRedisCommands(url: string): RedisCommands {
  const connection = new Connection(settingsOf({ url }));
  return {
    query: (command, ...args) => connection.query(command, ...args),
    change: (text, key, ...args) => connection.run(script(text, true), key, args),
    close: () => connection.close(),
  };
}
