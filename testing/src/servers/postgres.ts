import { join } from 'node:path';
import { unprivilegedAccount } from './account.ts';
import { runChild, startChild, succeeds } from './child.ts';
import { createDataFolder } from './data-folder.ts';
import { freePort } from './free-port.ts';
import { locate, postgresFolders } from './locate.ts';
import type { DatabaseServer } from './private-server.ts';
import { runServer } from './run-server.ts';
import { newDataFolder } from './template-folders.ts';

/** The default of PostgreSQL is 0, with which XA is impossible. */
const PREPARED_TRANSACTIONS = 100;

/**
 * Starts a PostgreSQL with an empty database; undefined if it is not installed.
 * @param settings server settings (`name=value`)
 * @param environment variables in addition to those of this process, such as those of a fake clock
 */
export async function startPostgres(
  settings: readonly string[] = [],
  environment: NodeJS.ProcessEnv = {},
): Promise<DatabaseServer | undefined> {
  const folders = postgresFolders();
  const daemon = locate('postgres', folders);
  const installer = locate('initdb', folders);
  const probe = locate('pg_isready', folders);
  if (daemon === undefined || installer === undefined || probe === undefined) return undefined;

  const account = unprivilegedAccount('postgres');
  const folder = await createDataFolder('postgres', account);
  const data = join(folder, 'data');
  const shape = ['--username=holdfast', '--auth=trust', '--encoding=UTF8', '--locale=C', '--no-sync'];
  await newDataFolder('postgres', data, () =>
    runChild(installer, [`--pgdata=${data}`, ...shape], { ...account, cwd: folder }),
  );

  const port = await freePort();
  const all = [
    'listen_addresses=127.0.0.1',
    `port=${port}`,
    `unix_socket_directories=${folder}`,
    `max_prepared_transactions=${PREPARED_TRANSACTIONS}`,
    ...settings,
  ];
  const args = ['-D', data, ...all.flatMap((setting) => ['-c', setting])];
  return runServer({
    name: 'PostgreSQL',
    // Any password is accepted, but some client libraries misread a connection string without one.
    url: `postgres://holdfast:holdfast@127.0.0.1:${port}/postgres`,
    folder,
    stopSignal: 'SIGINT', // PostgreSQL's "fast" shutdown: it does not wait for clients to leave.
    launch: () => startChild(daemon, args, { ...account, cwd: folder, env: { ...process.env, ...environment } }),
    probe: () => succeeds(probe, ['--host=127.0.0.1', `--port=${port}`]),
  });
}
