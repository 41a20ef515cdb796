import { once } from 'node:events';
import { createServer as createTlsServer, type TlsOptions } from 'node:tls';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';

/** What one connection does with each piece that comes over it. */
export type Peer = (socket: Socket, text: string) => unknown;

/** A TCP server without a protocol, so that a test can break every rule of one. */
export class RawServer implements AsyncDisposable {
  /** Connections that were ever made, the oldest first. */
  readonly sockets: Socket[] = [];
  peer: Peer;
  readonly #server: Server;
  readonly #scheme: string;

  private constructor(server: Server, scheme: string, peer: Peer) {
    this.#server = server;
    this.#scheme = scheme;
    this.peer = peer;
  }

  static async start(peer: Peer, tls?: TlsOptions): Promise<RawServer> {
    const server = tls === undefined ? createServer() : createTlsServer(tls);
    const self = new RawServer(server, tls === undefined ? 'http' : 'https', peer);
    server.on(tls === undefined ? 'connection' : 'secureConnection', (socket: Socket) => {
      // Small pieces leave at once, rather than with the next acknowledgement.
      socket.setNoDelay(true);
      self.sockets.push(socket);
      socket.on('data', (bytes: Buffer) => self.peer(socket, bytes.toString('latin1'))).on('error', () => {});
    });
    await once(server.listen(0, '127.0.0.1'), 'listening');
    return self;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get origin(): string {
    return `${this.#scheme}://127.0.0.1:${this.port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = once(this.#server, 'close');
    this.#server.close();
    for (const socket of this.sockets) socket.destroy();
    await closed;
  }
}
