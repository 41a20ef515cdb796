import { once } from 'node:events';
import { connect } from 'node:net';
import { expect, it, onTestFinished } from 'vitest';
import { describeWith } from '@holdfast/testing/describe-with';
import { type DatabaseServer, startMariadb, startPostgres, startRedis } from '../../src/servers/index.ts';

/** Whether a process listens on the server's port. */
async function listens({ url }: DatabaseServer): Promise<boolean> {
  const socket = connect(Number(new URL(url).port), '127.0.0.1');
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

for (const [program, start] of [
  ['mariadbd', startMariadb],
  ['postgres', startPostgres],
  ['redis-server', startRedis],
] as const) {
  describeWith([program], program, () => {
    it('starts, is killed, starts again on its port, and ends', async () => {
      const server = await start();
      if (server === undefined) throw new Error('it is installed and did not start');
      onTestFinished(() => server.stop());
      expect(await listens(server)).toBe(true);
      await server.kill();
      expect(await listens(server)).toBe(false);
      await server.start();
      expect(await listens(server)).toBe(true);
      await expect(server.start()).rejects.toThrow('is running already');
      await server.stop();
      expect(await listens(server)).toBe(false);
    });
  });
}
