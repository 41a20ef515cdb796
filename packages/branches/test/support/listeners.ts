import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';

const KEPT = 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok';
const CLOSED = KEPT.replace('\r\n', '\r\nconnection: close\r\n');

/** A server of HTTP/1.1 at one address that counts its connections, whatever they speak. */
export class Listener implements AsyncDisposable {
  connections = 0;
  /** What each request receives. */
  response: string | undefined;
  /** Whether connections stay open after a response. */
  keepsOpen = false;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  private constructor(server: Server) {
    this.#server = server;
  }

  /** @param host `::` listens at all addresses of both families */
  static async at(host: string, port = 0): Promise<Listener> {
    const server = createServer();
    const self = new Listener(server);
    server.on('connection', (socket) => {
      self.connections++;
      self.#sockets.add(socket);
      socket
        .on('error', () => {})
        .on('data', () => {
          if (self.keepsOpen) socket.write(self.response ?? KEPT);
          else socket.end(self.response ?? CLOSED);
        });
    });
    await once(server.listen(port, host), 'listening');
    return self;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = once(this.#server, 'close');
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }
}
