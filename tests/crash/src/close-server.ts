import { once } from 'node:events';
import type { Server, Socket } from 'node:net';

/**
 * Returns how to close a server once the calls in progress are done, including those whose caller
 * has timed out. The server waits for no connection: neither `closeAllConnections` of Node nor
 * `forceShutdown` of `@grpc/grpc-js` ends one whose TLS handshake is in progress, and the latter
 * waits for the other side of all others.
 */
export function closerOf(server: Server, running: ReadonlySet<Promise<void>>): () => Promise<void> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  return async () => {
    const closed = once(server, 'close');
    server.close();
    // Connections that are open may bring more.
    while (running.size > 0) await Promise.all(running);
    for (const socket of sockets) socket.destroy();
    await closed;
  };
}
