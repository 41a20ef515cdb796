import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { TlsGate } from '../tls/tls-gate.ts';
import { PacedSocket } from './paced-socket.ts';

const NOTHING = Buffer.alloc(0);

/**
 * Takes over new connections of a `node:http` server and gives it those that it is to serve, one
 * request at a time per connection.
 */
export class NodeConnections {
  readonly #give: (socket: PacedSocket) => void;

  /** Lets `node:http` serve all connections of a server. */
  static takeAll(server: Server, tls?: TlsGate): void {
    const connections: NodeConnections = new NodeConnections(server, (socket) => connections.give(socket), tls);
  }

  /**
   * @param taken called with each new connection
   * @param tls with each new connection after its TLS handshake
   */
  constructor(server: Server, taken: (socket: Socket) => void, tls?: TlsGate) {
    const listeners = server.listeners('connection');
    if (listeners.length === 0) throw new Error('the server of node:http does not listen to its connections');
    server
      .removeAllListeners('connection')
      .on('connection', tls === undefined ? taken : (socket: Socket) => tls.enter(socket, taken));
    this.#give = (socket) => {
      for (const listener of listeners) listener.call(server, socket);
    };
    const run = server.listeners('request');
    server.removeAllListeners('request').on('request', (request: IncomingMessage, response: ServerResponse) => {
      // `node:http` declares the type of the sockets that it creates itself.
      const socket: unknown = request.socket;
      if (!(socket instanceof PacedSocket)) throw new Error('a connection reached node:http by another way');
      socket.enter(request, response, () => {
        for (const listener of run) listener.call(server, request, response);
      });
    });
  }

  /** Gives the connection to `node:http`; `piece`: bytes that were already received. */
  give(socket: Socket, piece: Buffer = NOTHING): void {
    this.#give(new PacedSocket(socket, piece));
  }
}
