import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/** A proxy whose connections can stall: they stay open, but nothing passes. */
export interface StallingProxy {
  /** The server's URL, with the proxy's port. */
  readonly url: string;
  /** Stalls the open connections permanently. */
  stallOpen(): void;
  /** Whether new connections stall from their beginning. */
  stallNew(stall: boolean): void;
  /** Stalls each new connection when the client sends this text. */
  stallAt(text: string): void;
  close(): Promise<void>;
}

/** Creates a proxy on a free port of the loopback. */
export async function stallingProxy(target: string): Promise<StallingProxy> {
  const to = new URL(target);
  const sockets = new Set<Socket>();
  const stalling = { open: [] as (() => void)[], fresh: false, text: '' };
  const proxy = createServer((client) => {
    sockets.add(client);
    client.on('error', () => undefined);
    client.on('close', () => sockets.delete(client));
    if (stalling.fresh) return;
    const server = connect(Number(to.port), to.hostname);
    sockets.add(server);
    server.on('error', () => undefined);
    server.on('close', () => {
      sockets.delete(server);
      if (!stalled) client.destroy();
    });
    client.on('close', () => server.destroy());
    let stalled = false;
    const { text } = stalling;
    client.on('data', (bytes) => {
      stalled ||= text !== '' && bytes.includes(text);
      if (!stalled) server.write(bytes);
    });
    server.on('data', (bytes) => void (stalled || client.write(bytes)));
    stalling.open.push(() => (stalled = true));
  }).listen(0, '127.0.0.1');
  await once(proxy, 'listening');
  const own = new URL(target);
  own.port = String((proxy.address() as AddressInfo).port);
  return {
    url: own.href,
    stallOpen() {
      for (const stall of stalling.open) stall();
    },
    stallAt: (text) => void (stalling.text = text),
    stallNew: (stall) => void (stalling.fresh = stall),
    async close() {
      for (const socket of sockets) socket.destroy();
      proxy.close();
      await once(proxy, 'close');
    },
  };
}
