import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { HoldfastProcess } from '@holdfast/testing/holdfast-process';
import { startMariadb, startPostgres, startRedis } from '@holdfast/testing/servers';
import { expect, it, onTestFinished } from 'vitest';
import { describeWith } from '@holdfast/testing/describe-with';

/** A proxy between a node and its database. */
async function proxyTo(url: string) {
  const { hostname, port } = new URL(url);
  const sockets = new Set<Socket>();
  let silent = false;
  const proxy = createServer((client) => {
    const server = connect(Number(port), hostname);
    for (const socket of [client, server]) {
      sockets.add(socket);
      socket.on('error', () => socket.destroy()).on('close', () => sockets.delete(socket));
    }
    client.on('data', (bytes) => void (silent || server.write(bytes)));
    server.on('data', (bytes) => void (silent || client.write(bytes)));
    client.on('close', () => server.destroy());
    server.on('close', () => client.destroy());
  }).listen(0, '127.0.0.1');
  await once(proxy, 'listening');
  const proxied = Object.assign(new URL(url), { port: String((proxy.address() as AddressInfo).port) });
  const close = (): void => {
    proxy.close();
    for (const socket of sockets) socket.destroy();
  };
  return { url: proxied.href, close, fallSilent: () => void (silent = true) };
}

describeWith(['postgres', 'mariadbd', 'redis-server'], 'SIGTERM while the database', () => {
  it.each([
    ['PostgreSQL', 'is away', startPostgres],
    ['PostgreSQL', 'hangs', startPostgres],
    ['MariaDB', 'is away', startMariadb],
    ['MariaDB', 'hangs', startMariadb],
    ['Redis', 'is away', startRedis],
    ['Redis', 'hangs', startRedis],
  ] as const)('%s %s ends the process in time, with exit code 0', async (_, how, start) => {
    const database = await start();
    if (database === undefined) throw new Error('it is not installed');
    onTestFinished(() => database.stop());
    const proxy = await proxyTo(database.url);
    onTestFinished(proxy.close);
    const args = ['--store', proxy.url, '--drain-timeout', '200ms', '--log-format', 'json'];
    const node = new HoldfastProcess(['serve', '--http-port', '0', ...args]);
    onTestFinished(() => node.kill());
    await node.ready();
    if (how === 'hangs') proxy.fallSilent();
    else proxy.close();
    expect(await node.stop()).toBe(0);
    expect(node.out).toContain('"msg":"stopped"');
    // A node that has noticed the loss before the signal has nothing left to release.
    expect(node.out).toMatch(/other nodes will take over|session lost/);
  });
});
