import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';

const PREFACE_BYTES = 24;
const HEAD_BYTES = 9;

/** Types of HTTP/2 frames. */
export const FRAME = { data: 0, headers: 1, reset: 3, settings: 4, ping: 6, goaway: 7, window: 8 } as const;
const ACK = 1;
export const END_STREAM = 1;
const END_HEADERS = 4;

export interface Frame {
  readonly type: number;
  readonly flags: number;
  readonly stream: number;
  readonly payload: Buffer;
}

type FieldPair = readonly [name: string, value: string];

/** One connection, on which a test writes whatever frames it likes. */
export class FrameConnection {
  readonly socket: Socket;

  constructor(socket: Socket) {
    this.socket = socket;
  }

  write(type: number, flags: number, stream: number, payload: Buffer = Buffer.alloc(0)): void {
    const head = Buffer.alloc(HEAD_BYTES);
    head.writeUIntBE(payload.length, 0, 3);
    head[3] = type;
    head[4] = flags;
    head.writeUInt32BE(stream, 5);
    if (!this.socket.destroyed) this.socket.write(Buffer.concat([head, payload]));
  }

  headers(stream: number, fields: Readonly<Record<string, string>> | readonly FieldPair[], flags = 0): void {
    const pairs: readonly FieldPair[] = Array.isArray(fields) ? fields : Object.entries(fields);
    const block = pairs.map(([name, value]) => literal(name, value));
    this.write(FRAME.headers, END_HEADERS | flags, stream, Buffer.concat(block));
  }

  /** A complete response to a call that succeeded. */
  succeed(stream: number): void {
    this.headers(stream, { ':status': '200', 'content-type': 'application/grpc' });
    this.write(FRAME.data, 0, stream, Buffer.alloc(5));
    this.headers(stream, { 'grpc-status': '0' }, END_STREAM);
  }

  settings(...pairs: readonly (readonly [id: number, value: number])[]): void {
    const payload = Buffer.alloc(6 * pairs.length);
    for (const [index, [id, value]] of pairs.entries()) {
      payload.writeUInt16BE(id, 6 * index);
      payload.writeUInt32BE(value, 6 * index + 2);
    }
    this.write(FRAME.settings, 0, 0, payload);
  }

  /** @param last the last stream that the server takes */
  goaway(last: number, code = 0): void {
    const payload = Buffer.alloc(8);
    payload.writeUInt32BE(last, 0);
    payload.writeUInt32BE(code, 4);
    this.write(FRAME.goaway, 0, 0, payload);
  }

  /** Resets the connection. One that is being ended is closed: Node.js would keep its socket. */
  abort(): void {
    if (this.socket.writableEnded) this.socket.destroy();
    else this.socket.resetAndDestroy();
  }

  acknowledge({ type, payload }: Frame): void {
    this.write(type, ACK, 0, type === FRAME.ping ? payload : undefined);
  }
}

/** A header field without compression. */
function literal(name: string, value: string): Buffer {
  const text = (of: string): Buffer => Buffer.concat([Buffer.from([of.length]), Buffer.from(of)]);
  return Buffer.concat([Buffer.from([0]), text(name), text(value)]);
}

export interface FrameBehaviour {
  opened?(connection: FrameConnection): void;
  received(connection: FrameConnection, frame: Frame): void;
}

/** An HTTP/2 server without rules. */
export class FrameServer {
  readonly address: string;
  readonly connections: FrameConnection[] = [];
  readonly #server: Server;

  private constructor(server: Server, behaviour: FrameBehaviour) {
    this.#server = server;
    this.address = `127.0.0.1:${(server.address() as AddressInfo).port}`;
    server.on('connection', (socket) => this.#connected(socket, behaviour));
  }

  static async start(behaviour: FrameBehaviour): Promise<FrameServer> {
    const server = createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new FrameServer(server, behaviour);
  }

  #connected(socket: Socket, behaviour: FrameBehaviour): void {
    socket.on('error', () => undefined);
    const connection = new FrameConnection(socket);
    this.connections.push(connection);
    behaviour.opened?.(connection);
    let held = Buffer.alloc(0);
    let skip = PREFACE_BYTES;
    socket.on('data', (piece: Buffer) => {
      held = Buffer.concat([held, piece]);
      if (held.length < skip) return;
      held = held.subarray(skip);
      skip = 0;
      for (let frame = firstIn(held); frame !== undefined; frame = firstIn(held)) {
        held = held.subarray(HEAD_BYTES + frame.payload.length);
        behaviour.received(connection, frame);
      }
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { socket } of this.connections) socket.destroy();
    this.#server.close();
    await once(this.#server, 'close');
  }
}

function firstIn(bytes: Buffer): Frame | undefined {
  if (bytes.length < HEAD_BYTES) return undefined;
  const end = HEAD_BYTES + bytes.readUIntBE(0, 3);
  if (bytes.length < end) return undefined;
  return {
    type: bytes[3] as number,
    flags: bytes[4] as number,
    stream: bytes.readUInt32BE(5) & 0x7f_ff_ff_ff,
    payload: bytes.subarray(HEAD_BYTES, end),
  };
}
