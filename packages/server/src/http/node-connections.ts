import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { PacedSocket } from './paced-socket.ts';

const NOTHING = Buffer.alloc(0);

/** Takes the connections of a `node:http` server before it does, and gives it those that it is to serve, one request at a time over each. */
export class NodeConnections {
  readonly #give: (socket: PacedSocket) => void;

  /** All connections of a server are Node's. */
  static takeAll(server: Server): void {
    const connections: NodeConnections = new NodeConnections(server, (socket) => connections.give(socket));
  }

  /** @param taken what is done with each new connection */
  constructor(server: Server, taken: (socket: Socket) => void) {
    const listeners = server.listeners('connection');
    if (listeners.length === 0) throw new Error('the server of node:http does not listen to its connections');
    server.removeAllListeners('connection').on('connection', taken);
    this.#give = (socket) => {
      for (const listener of listeners) listener.call(server, socket);
    };
    const run = server.listeners('request');
    server.removeAllListeners('request').on('request', (request: IncomingMessage, response: ServerResponse) => {
      // Its type is that of the connections which Node makes itself.
      const socket: unknown = request.socket;
      if (!(socket instanceof PacedSocket)) throw new Error('a connection reached node:http by another way');
      socket.enter(request, response, () => {
        for (const listener of run) listener.call(server, request, response);
      });
    });
  }

  /** From now on the connection is Node's; `piece`: what came over it before. */
  give(socket: Socket, piece: Buffer = NOTHING): void {
    this.#give(new PacedSocket(socket, piece));
  }
}
