import { StoreError } from '@holdfast/core/store';
import type { Client } from 'pg';

/** The settings that the server reports. */
interface ServerSettings {
  readonly encoding: string;
  readonly version: number;
  readonly synchronous_commit: string;
  readonly fsync: string;
  readonly full_page_writes: string;
}

const OLDEST_VERSION = 120_000;

/**
 * What a crash may lose with the server's settings; undefined if nothing. Throws `unavailable` for
 * a server that cannot hold a store.
 */
export async function whatACrashMayLose(client: Client): Promise<string | undefined> {
  const { rows } = await client.query<ServerSettings>(
    `select current_setting('server_encoding') as encoding, current_setting('server_version_num')::integer as version,
       current_setting('synchronous_commit') as synchronous_commit, current_setting('fsync') as fsync,
       current_setting('full_page_writes') as full_page_writes`,
  );
  const [server] = rows;
  if (server === undefined) throw new StoreError('unavailable', 'PostgreSQL returned no settings');
  if (server.version < OLDEST_VERSION)
    throw new StoreError(
      'unavailable',
      `PostgreSQL ${Math.floor(server.version / 10_000)} is too old: 12 and later are supported`,
    );
  if (server.encoding !== 'UTF8')
    throw new StoreError(
      'unavailable',
      `the database's encoding is ${server.encoding}, which does not keep every gid: make one with UTF8`,
    );
  return lossOf(server);
}

function lossOf(server: ServerSettings): string | undefined {
  if (server.fsync !== 'on') return 'fsync is off: a crash of the machine may lose or corrupt everything; turn it on';
  if (server.full_page_writes !== 'on')
    return 'full_page_writes is off: unless the file system writes pages whole, a crash of the machine may corrupt what is stored; turn it on';
  if (server.synchronous_commit === 'off')
    return 'synchronous_commit is off: a crash of the database may lose what was acknowledged in the second before it; set it to on';
  return undefined;
}
