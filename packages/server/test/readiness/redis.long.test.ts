import { chmod } from 'node:fs/promises';
import { freePort, locate, runChild, startRedis } from '@holdfast/testing/servers';
import { expect, vi } from 'vitest';
import { describeWith } from '@holdfast/testing/describe-with';
import { usePrivateServer } from '@holdfast/testing/private-server';
import { itFollowsWrites, type WriteFault } from '../support/readiness-suite.ts';

const SNAPSHOT = { timeout: 20_000, interval: 50 };

describeWith(['redis-server'], 'a node on a Redis that it can read but not write', () => {
  const server = usePrivateServer('Redis', async () => {
    const started = await startRedis();
    if (started !== undefined) await runAt(started.url, 'ACL', 'SETUSER', 'service', 'on', '>secret', '~*', '+@all');
    return started;
  });
  const run = (...command: readonly string[]) => runAt(server().url, ...command);

  const withoutCommands = (name: string, commands: string, cause: RegExp): WriteFault => ({
    name,
    cause,
    endsSession: true,
    begin: async () => {
      await run('ACL', 'SETUSER', 'service', ...commands.split(' ').map((each) => `-${each}`));
      return () => run('ACL', 'SETUSER', 'service', '+@all');
    },
  });

  const untilSnapshot = (status: string) =>
    vi.waitFor(async () => {
      expect(await run('INFO', 'persistence')).toContain(`rdb_last_bgsave_status:${status}`);
    }, SNAPSHOT);

  itFollowsWrites(
    () => Object.assign(new URL(server().url), { username: 'service', password: 'secret' }).href,
    [
      withoutCommands('its account lacks the commands that write', '@write', /can't run this command.*this privilege/),
      withoutCommands('its account lacks the commands for scripts', '@scripting', /NOPERM.*this privilege/),
      {
        name: 'the memory of the server is full',
        cause: /OOM/,
        begin: async () => {
          await run('CONFIG', 'SET', 'maxmemory', '1mb');
          return () => run('CONFIG', 'SET', 'maxmemory', '0');
        },
      },
      {
        name: 'the server is a replica',
        cause: /READONLY|it is a replica/,
        endsSession: true,
        begin: async () => {
          await run('REPLICAOF', '127.0.0.1', String(await freePort()));
          return () => run('REPLICAOF', 'NO', 'ONE');
        },
      },
      {
        name: 'the server could not write its last snapshot',
        cause: /MISCONF/,
        endsSession: true,
        begin: async () => {
          await run('CONFIG', 'SET', 'save', '3600 1');
          await chmod(server().folder, 0o500);
          await run('BGSAVE');
          await untilSnapshot('err');
          return async () => {
            await chmod(server().folder, 0o700);
            await run('BGSAVE');
            await untilSnapshot('ok');
          };
        },
      },
    ],
  );
});

/** Runs a command on a separate connection; resolves to what the server replied. */
const runAt = (url: string, ...command: readonly string[]): Promise<string> =>
  runChild(locate('redis-cli') ?? 'redis-cli', ['-e', '-u', url, ...command]);
