import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { unprivilegedAccount } from './account.ts';
import { startChild, succeeds } from './child.ts';
import { createDataFolder } from './data-folder.ts';
import { freePort } from './free-port.ts';
import { locate, postgresFolders } from './locate.ts';
import type { DatabaseServer } from './private-server.ts';
import { runServer } from './run-server.ts';

/** When PgBouncer assigns a server connection to another client. */
export type PoolMode = 'session' | 'transaction' | 'statement';

/**
 * Starts a PgBouncer in front of a PostgreSQL of `startPostgres`; undefined if it is not installed.
 * `settings` are lines of its configuration (`name = value`).
 */
export async function startPgBouncer(
  postgresUrl: string,
  mode: PoolMode,
  settings: readonly string[] = [],
): Promise<DatabaseServer | undefined> {
  const daemon = locate('pgbouncer', ['/usr/sbin']);
  const probe = locate('pg_isready', postgresFolders());
  if (daemon === undefined || probe === undefined) return undefined;

  const account = unprivilegedAccount('postgres');
  const folder = await createDataFolder('pgbouncer', account);
  const port = await freePort();
  const target = new URL(postgresUrl);
  const lines = [
    '[databases]',
    `* = host=${target.hostname} port=${target.port} user=${target.username}`,
    '[pgbouncer]',
    'listen_addr = 127.0.0.1',
    `listen_port = ${port}`,
    'unix_socket_dir =',
    'auth_type = any',
    `pool_mode = ${mode}`,
    ...settings,
    '',
  ];
  const file = join(folder, 'pgbouncer.ini');
  await writeFile(file, lines.join('\n'), { mode: 0o644 });
  const url = new URL(postgresUrl);
  url.port = String(port);
  return runServer({
    name: 'PgBouncer',
    url: url.href,
    folder,
    stopSignal: 'SIGTERM', // PgBouncer does not wait for its clients.
    launch: () => startChild(daemon, [file], { ...account, cwd: folder }),
    probe: () => succeeds(probe, ['--host=127.0.0.1', `--port=${port}`]),
  });
}
