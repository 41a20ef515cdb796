import { StoreError } from '@holdfast/core/store';
import type { Connection } from './connection.ts';

const OLDEST_VERSION = 7;

/**
 * What a crash may lose with the server's settings; undefined if nothing. Throws `unavailable` for
 * a server that cannot hold a store, and for a lost connection.
 */
export async function whatACrashMayLose(connection: Connection): Promise<string | undefined> {
  const info = fieldsOf(String(await connection.query('INFO')));
  const version = info.get('redis_version') ?? '';
  if (Number.parseInt(version, 10) < OLDEST_VERSION)
    throw new StoreError('unavailable', `Redis ${version} is too old: ${OLDEST_VERSION} and later are supported`);
  const policy = info.get('maxmemory_policy') ?? 'not reported';
  if (policy !== 'noeviction')
    return `maxmemory-policy is ${policy}: unfinished transactions may be evicted; set it to noeviction`;
  if (info.get('aof_enabled') !== '1')
    return 'appendonly is off: a crash may lose everything since the last snapshot, or everything when there is none; set it to yes';
  const sync = await setting(connection, 'appendfsync');
  if (sync === undefined)
    return 'appendfsync cannot be read, for CONFIG is forbidden: a crash of the machine may lose what was acknowledged just before it, unless it is always';
  if (sync === 'everysec')
    return 'appendfsync is everysec: a crash of the machine may lose what was acknowledged in the two seconds before it; set it to always';
  if (sync !== 'always')
    return `appendfsync is ${sync}: a crash of the machine may lose what was acknowledged in the half minute before it, or more; set it to always`;
  if ((await setting(connection, 'no-appendfsync-on-rewrite')) === 'yes')
    return 'no-appendfsync-on-rewrite is on: a crash of the machine may lose what was acknowledged while the file was rewritten; set it to no';
  return undefined;
}

/** The value of a setting; undefined if CONFIG is forbidden, as on managed servers. */
async function setting(connection: Connection, name: string): Promise<string | undefined> {
  try {
    const reply = await connection.query('CONFIG', 'GET', name);
    return Array.isArray(reply) && reply.length === 2 ? String(reply[1]) : undefined;
  } catch (thrown) {
    if (!(thrown instanceof StoreError)) throw thrown;
    // Distinguishes a forbidden CONFIG from a lost server, which responds to PING neither.
    await connection.query('PING');
    return undefined;
  }
}

const fieldsOf = (info: string): Map<string, string> =>
  new Map(
    info.split('\r\n').flatMap((line): [string, string][] => {
      const colon = line.indexOf(':');
      return colon < 0 ? [] : [[line.slice(0, colon), line.slice(colon + 1)]];
    }),
  );
