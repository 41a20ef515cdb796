import { unprivilegedAccount } from './account.ts';
import { startChild, succeeds } from './child.ts';
import { createDataFolder } from './data-folder.ts';
import { freePort } from './free-port.ts';
import { locate } from './locate.ts';
import type { DatabaseServer } from './private-server.ts';
import { runServer } from './run-server.ts';

export interface RedisSettings {
  /**
   * When the append-only file is synced: with each write, or once per second. Default: `always`.
   */
  readonly appendFsync?: 'always' | 'everysec';
  /** Options of redis-server (`--name`, `value`, …). */
  readonly settings?: readonly string[];
  /** Variables in addition to those of this process, such as those of a fake clock. */
  readonly environment?: NodeJS.ProcessEnv;
}

/**
 * Starts a Redis that keeps acknowledged writes and evicts nothing; undefined if it is not
 * installed.
 */
export async function startRedis(options: RedisSettings = {}): Promise<DatabaseServer | undefined> {
  const daemon = locate('redis-server');
  const client = locate('redis-cli');
  if (daemon === undefined || client === undefined) return undefined;

  const account = unprivilegedAccount('redis');
  const folder = await createDataFolder('redis', account);
  const port = await freePort();
  const durability = ['--appendonly', 'yes', '--appendfsync', options.appendFsync ?? 'always', '--save', ''];
  const network = ['--bind', '127.0.0.1', '--port', String(port)];
  const args = [
    ...network,
    '--dir',
    folder,
    ...durability,
    '--maxmemory-policy',
    'noeviction',
    ...(options.settings ?? []),
  ];
  return runServer({
    name: 'Redis',
    url: `redis://127.0.0.1:${port}`,
    folder,
    stopSignal: 'SIGTERM',
    launch: () =>
      startChild(daemon, args, { ...account, cwd: folder, env: { ...process.env, ...options.environment } }),
    // While it loads its file it responds with LOADING, which is not ready.
    probe: () => succeeds(client, ['-e', '-p', String(port), 'dbsize']),
  });
}
