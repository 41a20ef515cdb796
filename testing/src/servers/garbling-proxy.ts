import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/** Changes bytes that a server sent; undefined closes the connection. */
export type Garble = (sent: Buffer) => Buffer | undefined;

/** A proxy that can change the bytes of a server's responses. */
export interface GarblingProxy {
  /** The server's URL, with the proxy's port. */
  readonly url: string;
  /** Sets how bytes are changed from now on, over every connection; undefined: not at all. */
  garble(change: Garble | undefined): void;
  /** Sends bytes over every open connection, as if the server had. */
  inject(bytes: Uint8Array): void;
  close(): Promise<void>;
}

/** Creates a proxy on a free port of the loopback. */
export async function garblingProxy(target: string): Promise<GarblingProxy> {
  const to = new URL(target);
  const sockets = new Set<Socket>();
  const clients = new Set<Socket>();
  let garble: Garble | undefined;
  const proxy = createServer((client) => {
    clients.add(client);
    client.on('close', () => clients.delete(client));
    const server = connect(Number(to.port), to.hostname);
    for (const [socket, other] of [
      [client, server],
      [server, client],
    ] as const) {
      sockets.add(socket);
      socket.on('error', () => undefined);
      socket.on('close', () => {
        sockets.delete(socket);
        other.destroy();
      });
    }
    client.on('data', (bytes) => void server.write(bytes));
    server.on('data', (bytes) => {
      const changed = garble === undefined ? bytes : garble(bytes);
      if (changed === undefined) client.destroy();
      else client.write(changed);
    });
  }).listen(0, '127.0.0.1');
  await once(proxy, 'listening');
  const own = new URL(target);
  own.port = String((proxy.address() as AddressInfo).port);
  return {
    url: own.href,
    inject(bytes) {
      for (const client of clients) client.write(bytes);
    },
    garble: (change) => void (garble = change),
    async close() {
      for (const socket of sockets) socket.destroy();
      proxy.close();
      await once(proxy, 'close');
    },
  };
}
