import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import { HTTP_SERVER_SETTINGS } from '@holdfast/runtime';
import type { Exchange } from './exchange.ts';
import { type ConnectionOwner, PlainConnection } from './plain-connection.ts';

/**
 * Takes the connections of a `node:http` server before it does, and serves them itself as long as requests of the usual kind come over them, whole and one
 * at a time. A connection over which anything else comes is given to Node's server, with what came, and stays there. So what is wrong, rare, slow or in
 * pieces is read, bounded and refused by Node, and what is usual costs half.
 */
export class PlainConnections implements ConnectionOwner {
  readonly #connections = new Set<PlainConnection>();
  readonly #giveToNode: (socket: Socket) => void;
  readonly #requested: (exchange: Exchange) => void;

  constructor(server: Server, requested: (exchange: Exchange) => void) {
    const nodes = server.listeners('connection');
    if (nodes.length === 0) throw new Error('the server of node:http does not listen to its connections');
    server.removeAllListeners('connection');
    this.#giveToNode = (socket) => {
      for (const node of nodes) node.call(server, socket);
    };
    this.#requested = requested;
    server.on('connection', (socket) => this.#connections.add(new PlainConnection(socket, this)));
    server.once('listening', () => {
      const check = setInterval(() => this.#closeLate(), HTTP_SERVER_SETTINGS.connectionsCheckingInterval).unref();
      server.once('close', () => clearInterval(check));
    });
  }

  /** Ends those over which no request is under way. */
  closeIdle(): void {
    for (const connection of this.#connections) connection.closeIfIdle();
  }

  closeAll(): void {
    for (const connection of this.#connections) connection.destroy();
  }

  requested(exchange: Exchange): void {
    this.#requested(exchange);
  }

  left(connection: PlainConnection): void {
    this.#connections.delete(connection);
  }

  handOver(socket: Socket, piece: Buffer): void {
    // Paused, lest the piece be told before there is a listener for it.
    socket.pause();
    socket.unshift(piece);
    this.#giveToNode(socket);
    socket.resume();
  }

  #closeLate(): void {
    const nowMs = performance.now();
    for (const connection of this.#connections) connection.closeIfLate(nowMs);
  }
}
