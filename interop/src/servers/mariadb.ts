import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { unprivilegedAccount } from './account.ts';
import { runChild, startChild } from './child.ts';
import { createDataFolder, removeDataFolder } from './data-folder.ts';
import { freePort } from './free-port.ts';
import { locate } from './locate.ts';
import type { PrivateServer } from './private-server.ts';
import { untilReady } from './ready.ts';

const READY_TIMEOUT_MS = 60_000;
const STOP_TIMEOUT_MS = 20_000;
const DATABASE = 'holdfast';

/** Starts a MariaDB with an empty database; undefined when it is not installed. `settings` are options of mariadbd (`--name=value`). */
export async function startMariadb(settings: readonly string[] = []): Promise<PrivateServer | undefined> {
  const daemon = locate('mariadbd', ['/usr/sbin']);
  const installer = locate('mariadb-install-db');
  const admin = locate('mariadb-admin');
  if (daemon === undefined || installer === undefined || admin === undefined) return undefined;

  const account = unprivilegedAccount('mysql');
  const folder = await createDataFolder('mariadb', account);
  const data = join(folder, 'data');
  await runChild(installer, ['--no-defaults', `--datadir=${data}`, '--skip-test-db'], { ...account, cwd: folder });
  const setUp = join(folder, 'set-up.sql');
  await writeFile(setUp, setUpStatements(), { mode: 0o644 });

  const port = await freePort();
  const place = [`--datadir=${data}`, `--socket=${join(folder, 'socket')}`, `--pid-file=${join(folder, 'pid')}`];
  const network = ['--bind-address=127.0.0.1', `--port=${port}`, '--skip-name-resolve'];
  const args = ['--no-defaults', ...place, ...network, `--init-file=${setUp}`, ...settings];
  const child = startChild(daemon, args, { ...account, cwd: folder });
  const stop = async (): Promise<void> => {
    await child.stop('SIGTERM', STOP_TIMEOUT_MS);
    await removeDataFolder(folder);
  };
  const ping = ['--no-defaults', '--protocol=tcp', '--host=127.0.0.1', `--port=${port}`, '--user=holdfast', 'ping'];
  try {
    await untilReady(child, () => succeeds(admin, ping), READY_TIMEOUT_MS);
  } catch (error) {
    await stop();
    throw error;
  }
  return { name: 'MariaDB', url: `mysql://holdfast@127.0.0.1:${port}/${DATABASE}`, stop };
}

// The installed root account is for the socket only; the suites come over TCP, and only from this machine.
function setUpStatements(): string {
  return [
    `create database if not exists ${DATABASE};`,
    `create user if not exists holdfast@'127.0.0.1';`,
    `grant all on *.* to holdfast@'127.0.0.1';`,
    '',
  ].join('\n');
}

async function succeeds(program: string, args: readonly string[]): Promise<boolean> {
  return runChild(program, args).then(
    () => true,
    () => false,
  );
}
