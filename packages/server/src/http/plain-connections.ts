import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import type { TlsGate } from '../tls/tls-gate.ts';
import { HTTP_SERVER_SETTINGS } from './http-settings.ts';
import type { Exchange } from './exchange.ts';
import { NodeConnections } from './node-connections.ts';
import { type ConnectionOwner, PlainConnection } from './plain-connection.ts';

/**
 * Takes over new connections of a `node:http` server and serves them itself while they carry
 * requests of the usual kind, whole and one at a time. A connection that carries anything else is
 * given to `node:http`, together with the bytes received, and stays there. So Node reads, bounds
 * and rejects everything invalid, rare, slow or fragmented, and usual requests cost half.
 */
export class PlainConnections implements ConnectionOwner {
  readonly #connections = new Set<PlainConnection>();
  readonly #node: NodeConnections;
  readonly #requested: (exchange: Exchange) => void;

  constructor(server: Server, requested: (exchange: Exchange) => void, tls?: TlsGate) {
    const taken = (socket: Socket): void => void this.#connections.add(new PlainConnection(socket, this));
    this.#node = new NodeConnections(server, taken, tls);
    this.#requested = requested;
    server.once('listening', () => {
      const check = setInterval(() => this.#closeLate(), HTTP_SERVER_SETTINGS.connectionsCheckingInterval).unref();
      server.once('close', () => clearInterval(check));
    });
  }

  /** Closes connections without a request in progress. */
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
