import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/** A proxy to a server that can discard the responses of that server. */
export interface DeafProxy {
  readonly url: string;
  /** While `lose` is true, a response of the server is discarded and its connection is closed. */
  loseResponses(lose: boolean): void;
  close(): Promise<void>;
}

export async function deafProxy(target: string): Promise<DeafProxy> {
  const { hostname, port } = new URL(target);
  const sockets = new Set<Socket>();
  let lost = false;
  const proxy = createServer((client) => {
    const server = connect(Number(port), hostname);
    for (const socket of [client, server]) {
      sockets.add(socket);
      socket.on('error', () => undefined);
      socket.on('close', () => {
        sockets.delete(socket);
        client.destroy();
        server.destroy();
      });
    }
    client.pipe(server);
    server.on('data', (response) => (lost ? client.destroy() : client.write(response)));
  }).listen(0, '127.0.0.1');
  await once(proxy, 'listening');
  return {
    url: `redis://127.0.0.1:${(proxy.address() as AddressInfo).port}`,
    loseResponses: (lose) => void (lost = lose),
    async close() {
      for (const socket of sockets) socket.destroy();
      proxy.close();
      await once(proxy, 'close');
    },
  };
}
