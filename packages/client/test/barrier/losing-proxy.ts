import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/**
 * A proxy to a database that loses the response to the first commit after its execution; everything
 * later passes.
 */
export async function losingProxy(url: string): Promise<{ readonly url: string; close(): Promise<void> }> {
  const target = new URL(url);
  const open = new Set<Socket>();
  let lost = false;
  const server = createServer((client) => {
    const upstream = connect(Number(target.port), target.hostname);
    let losing = false;
    const end = (): void => {
      for (const socket of [client, upstream]) socket.destroy();
    };
    for (const socket of [client, upstream]) open.add(socket.on('error', end).on('close', end));
    client.on('data', (bytes) => {
      losing = !lost && bytes.includes('commit');
      upstream.write(bytes);
    });
    upstream.on('data', (bytes) => {
      if (!losing) return void client.write(bytes);
      lost = true;
      end();
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const through = new URL(url);
  through.port = String((server.address() as AddressInfo).port);
  return {
    url: through.href,
    async close() {
      for (const socket of open) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}
