import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import { HTTP_SERVER_SETTINGS } from '@holdfast/runtime';
import type { Exchange } from './exchange.ts';
import { NodeConnections } from './node-connections.ts';
import { type ConnectionOwner, PlainConnection } from './plain-connection.ts';

/**
 * Takes the connections of a `node:http` server before it does, and serves them itself as long as requests of the usual kind come over them, whole and one
 * at a time. A connection over which anything else comes is given to Node's server, with what came, and stays there. So what is wrong, rare, slow or in
 * pieces is read, bounded and refused by Node, and what is usual costs half.
 */
export class PlainConnections implements ConnectionOwner {
  readonly #connections = new Set<PlainConnection>();
  readonly #node: NodeConnections;
  readonly #requested: (exchange: Exchange) => void;

  constructor(server: Server, requested: (exchange: Exchange) => void) {
    this.#node = new NodeConnections(server, (socket) => this.#connections.add(new PlainConnection(socket, this)));
    this.#requested = requested;
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
    this.#node.give(socket, piece);
  }

  #closeLate(): void {
    const nowMs = performance.now();
    for (const connection of this.#connections) connection.closeIfLate(nowMs);
  }
}
