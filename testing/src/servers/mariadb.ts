import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { unprivilegedAccount } from './account.ts';
import { runChild, startChild, succeeds } from './child.ts';
import { createDataFolder } from './data-folder.ts';
import { freePort } from './free-port.ts';
import { locate } from './locate.ts';
import type { DatabaseServer } from './private-server.ts';
import { runServer } from './run-server.ts';
import { newDataFolder } from './template-folders.ts';

const DATABASE = 'holdfast';

/**
 * Starts a MariaDB with an empty database; undefined if it is not installed.
 * @param settings options of mariadbd (`--name=value`)
 * @param environment variables in addition to those of this process, such as those of a fake clock
 */
export async function startMariadb(
  settings: readonly string[] = [],
  environment: NodeJS.ProcessEnv = {},
): Promise<DatabaseServer | undefined> {
  const daemon = locate('mariadbd', ['/usr/sbin']);
  const installer = locate('mariadb-install-db');
  const admin = locate('mariadb-admin');
  if (daemon === undefined || installer === undefined || admin === undefined) return undefined;

  const account = unprivilegedAccount('mysql');
  const folder = await createDataFolder('mariadb', account);
  const data = join(folder, 'data');
  // In a shared temporary folder, a server that starts would delete another one's files.
  const tmpdir = `--tmpdir=${folder}`;
  const fresh = ['--no-defaults', `--datadir=${data}`, tmpdir, '--skip-test-db'];
  await newDataFolder('mariadb', data, () => runChild(installer, fresh, { ...account, cwd: folder }));
  const setUp = join(folder, 'set-up.sql');
  await writeFile(setUp, setUpStatements(), { mode: 0o644 });

  const port = await freePort();
  const place = [
    `--datadir=${data}`,
    `--socket=${join(folder, 'socket')}`,
    `--pid-file=${join(folder, 'pid')}`,
    tmpdir,
  ];
  const network = ['--bind-address=127.0.0.1', `--port=${port}`, '--skip-name-resolve'];
  const args = ['--no-defaults', ...place, ...network, `--init-file=${setUp}`, ...settings];
  const ping = ['--no-defaults', '--protocol=tcp', '--host=127.0.0.1', `--port=${port}`, '--user=holdfast', 'ping'];
  return runServer({
    name: 'MariaDB',
    url: `mysql://holdfast@127.0.0.1:${port}/${DATABASE}`,
    folder,
    stopSignal: 'SIGTERM',
    launch: () => startChild(daemon, args, { ...account, cwd: folder, env: { ...process.env, ...environment } }),
    probe: () => succeeds(admin, ping),
  });
}

// The installed root account is limited to the socket; the suites connect over TCP, from this
// machine only.
function setUpStatements(): string {
  return [
    `create database if not exists ${DATABASE};`,
    `create user if not exists holdfast@'127.0.0.1';`,
    `grant all on *.* to holdfast@'127.0.0.1' with grant option;`,
    '',
  ].join('\n');
}
