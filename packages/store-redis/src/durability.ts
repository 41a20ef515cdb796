import { StoreError } from '@holdfast/core';
import type { Connection } from './connection.ts';

/** What a crash may lose by the server's settings; undefined: nothing. */
export async function whatACrashMayLose(connection: Connection): Promise<string | undefined> {
  let settings: Map<string, string>;
  try {
    settings = new Map();
    for (const name of ['appendonly', 'appendfsync', 'maxmemory-policy']) {
      const reply = await connection.ask('CONFIG', 'GET', name);
      settings.set(name, Array.isArray(reply) ? String(reply[1]) : '');
    }
  } catch (thrown) {
    if (!(thrown instanceof StoreError)) throw thrown;
    return 'its settings cannot be read: whether a crash loses anything is not known; appendonly yes, appendfsync always and maxmemory-policy noeviction lose nothing';
  }
  if (settings.get('maxmemory-policy') !== 'noeviction')
    return `maxmemory-policy is ${settings.get('maxmemory-policy')}: unfinished transactions may be evicted; set it to noeviction`;
  if (settings.get('appendonly') !== 'yes')
    return 'appendonly is off: a crash may lose everything since the last snapshot; set it to yes';
  if (settings.get('appendfsync') !== 'always')
    return `appendfsync is ${settings.get('appendfsync')}: a crash of the machine may lose what was acknowledged in the seconds before it; set it to always`;
  return undefined;
}
