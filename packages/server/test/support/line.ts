import { connect, type Socket } from 'node:net';

/** A client that controls exactly which bytes are sent, and keeps the received ones. */
export class Line {
  readonly #socket: Socket;
  readonly closed: Promise<unknown>;
  #received = '';
  #onMore: () => void = () => {};

  constructor(port: number) {
    this.#socket = connect({ port, host: '127.0.0.1', noDelay: true });
    this.closed = new Promise((resolve) => this.#socket.once('close', resolve));
    // Either side may reset the connection.
    this.#socket.on('error', () => {});
    this.#socket.on('data', (piece: Buffer) => {
      this.#received += piece.toString('latin1');
      this.#onMore();
    });
    this.#socket.once('close', () => this.#onMore());
  }

  send(bytes: string): void {
    if (this.#socket.writable) this.#socket.write(bytes, 'latin1');
  }

  /**
   * The next response as received, without its date; undefined if the connection ended without one.
   */
  async response(hasBody = true): Promise<string | undefined> {
    while (!this.#received.includes('\r\n\r\n')) if (!(await this.#more())) return undefined;
    const headEnd = this.#received.indexOf('\r\n\r\n') + 4;
    const length = Number(/\r\ncontent-length: (\d+)/i.exec(this.#received.slice(0, headEnd))?.[1] ?? 0);
    const end = headEnd + (hasBody ? length : 0);
    while (this.#received.length < end) if (!(await this.#more())) return undefined;
    const response = this.#received.slice(0, end);
    this.#received = this.#received.slice(end);
    return undated(response);
  }

  /** Waits for more; false when the connection has ended. */
  async #more(): Promise<boolean> {
    if (this.#socket.closed) return false;
    await new Promise<void>((resolve) => (this.#onMore = resolve));
    return true;
  }

  /** Everything that comes until the connection ends. */
  async rest(): Promise<string> {
    await this.closed;
    return undated(this.#received);
  }

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  destroy(): void {
    this.#socket.destroy();
  }
}

const undated = (text: string): string => text.replaceAll(/Date: [^\r]+ GMT\r\n/g, 'Date: now\r\n');

export const post = (path: string, body: string, fields = '') =>
  `POST ${path} HTTP/1.1\r\nHost: h\r\n${fields}Content-Length: ${body.length}\r\n\r\n${body}`;
export const get = (path: string, fields = '') => `GET ${path} HTTP/1.1\r\nHost: h\r\n${fields}\r\n`;

/** A request that is none of the plain ones, so that its connection is Node's from then on. */
export const RARE = get('/any/first', 'Connection: keep-alive, x\r\n');
export const PLAIN = get('/any/first', 'Connection: keep-alive\r\n');

/**
 * Resolves when a request sent now over another connection has its response: everything sent before
 * has arrived.
 */
export async function roundTrip(port: number): Promise<void> {
  const line = new Line(port);
  line.send(PLAIN);
  await line.response();
  line.destroy();
}
