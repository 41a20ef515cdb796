import { END_STREAM, FRAME, type Frame, type FrameConnection, FrameServer } from './frame-server.ts';

/** Numbers below a bound, the same ones for each seed. */
export function randomNumbers(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    // xorshift32: short, and good in all bits.
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    state >>>= 0;
    return state % below;
  };
}

const HEAD = { ':status': '200', 'content-type': 'application/grpc' } as const;
const CONTINUATION = 9;
const PUSH_PROMISE = 5;
const END_HEADERS = 4;

type Action = (connection: FrameConnection, stream: number) => void;

/**
 * A participant that responds to each call with something at random: valid responses, mutated ones,
 * frames at random, delays, and the end of the connection.
 */
export class HostileParticipant implements AsyncDisposable {
  /** The gids whose calls got a complete, valid response with OK. */
  readonly succeeded = new Set<string>();
  calls = 0;
  readonly #random: (below: number) => number;
  /** Faulty responses of which one concerns the connection. */
  readonly #calm: number;
  readonly #timers = new Set<NodeJS.Timeout>();
  #server: FrameServer | undefined;

  constructor(seed: number) {
    this.#random = randomNumbers(seed);
    this.#calm = [2, 30, 300, 3_000][this.#random(4)] as number;
  }

  async start(): Promise<string> {
    this.#server = await FrameServer.start({
      opened: (connection) => this.#opened(connection),
      received: (connection, frame) => this.#received(connection, frame),
    });
    return this.#server.address;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const timer of this.#timers) clearTimeout(timer);
    await this.#server?.[Symbol.asyncDispose]();
  }

  #opened(connection: FrameConnection): void {
    const random = this.#random;
    if (random(40) === 0) return connection.abort();
    if (random(40) === 0) return this.#noise(connection, 0);
    if (random(60) === 0) return;
    if (random(10) > 0) return connection.settings();
    connection.settings([[3, 4, 5, 1][random(4)] as number, [0, 1, 3, 100, 65_536][random(5)] as number]);
  }

  #received(connection: FrameConnection, frame: Frame): void {
    if ((frame.type === FRAME.settings || frame.type === FRAME.ping) && frame.flags === 0) {
      if (this.#random(200) > 0) connection.acknowledge(frame);
      return;
    }
    if (frame.type === FRAME.data && frame.payload.length > 0) this.#enlarge(connection, frame);
    if (frame.type !== FRAME.headers) return;
    this.calls++;
    const gid = /dtm-gid.(\w+-\d{6})/.exec(frame.payload.toString('latin1'))?.[1] ?? '';
    this.#later(() => this.#respond(connection, frame.stream, gid));
  }

  /** Permits the client to send as many bytes again, mostly. */
  #enlarge(connection: FrameConnection, { stream, payload }: Frame): void {
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32BE(payload.length);
    connection.write(FRAME.window, 0, 0, bytes);
    if (this.#random(20) > 0) connection.write(FRAME.window, 0, stream, bytes);
  }

  /** Runs it in this turn, or after a while. */
  #later(action: () => void): void {
    const random = this.#random;
    if (random(3) > 0) return action();
    const timer = setTimeout(
      () => {
        this.#timers.delete(timer);
        action();
      },
      random(10) === 0 ? random(400) : random(20),
    );
    this.#timers.add(timer);
  }

  #respond(connection: FrameConnection, stream: number, gid: string): void {
    const random = this.#random;
    if (random(4) === 0) {
      // Before the response, since its bytes may be read before this function has returned.
      this.succeeded.add(gid);
      return this.#valid(connection, stream);
    }
    const actions = random(this.#calm) === 0 ? this.#endings : this.#mutations;
    const action = actions[random(actions.length)] as Action;
    action(connection, stream);
  }

  #valid(connection: FrameConnection, stream: number): void {
    const random = this.#random;
    if (random(6) === 0) connection.headers(stream, { ':status': '103' });
    connection.headers(stream, HEAD);
    const size = random(3) === 0 ? random(3_000) : 0;
    const message = Buffer.alloc(5 + size);
    message.writeUInt32BE(size, 1);
    for (let at = 0; at < message.length;) {
      const length = random(4) === 0 ? 1 + random(50) : message.length;
      connection.write(FRAME.data, 0, stream, message.subarray(at, at + length));
      at += length;
    }
    connection.headers(stream, { 'grpc-status': '0' }, END_STREAM);
  }

  /** Responses of which none is a valid OK. Most leave the connection to the other calls. */
  get #mutations(): readonly Action[] {
    const random = this.#random;
    const ok = { 'grpc-status': '0' };
    const one = Buffer.alloc(5);
    const code = (): Buffer => Buffer.from([0, 0, 0, random(15)]);
    const withData =
      (
        data: Buffer,
        head: Readonly<Record<string, string>> = HEAD,
        trailers: Readonly<Record<string, string>> = ok,
      ): Action =>
      (c, s) => {
        c.headers(s, head);
        c.write(FRAME.data, 0, s, data);
        c.headers(s, trailers, END_STREAM);
      };
    return [
      () => undefined,
      (c, s) => c.headers(s, { ...HEAD, ...ok }, END_STREAM),
      (c, s) => c.headers(s, { ...HEAD, 'grpc-status': String(1 + random(20)), 'grpc-message': '%zz%' }, END_STREAM),
      (c, s) => c.headers(s, { ...HEAD, ':status': String(100 + random(500)) }, END_STREAM),
      (c, s) => c.headers(s, { ':status': '200' }),
      (c, s) => c.headers(s, { 'x-only': '1' }, random(2)),
      withData(Buffer.alloc(10)),
      withData(Buffer.from([0, 0, 0, 0, 9, 1])),
      withData(Buffer.from([random(2) === 0 ? 2 : 1, 0, 0, 0, 0])),
      withData(Buffer.from([0, 0xff, 0xff, 0xff, 0xff, 1, 2])),
      withData(one, { ...HEAD, 'content-type': 'text/html' }),
      withData(one, { ...HEAD, ':status': '502' }),
      withData(one, { ...HEAD, 'content-length': '4' }),
      withData(one, { ...HEAD, 'content-length': '6' }),
      withData(one, HEAD, { 'grpc-status': ['00', '-0', '0.0', '', ' ', '0x0', '1e0', '256'][random(8)] as string }),
      withData(one, HEAD, { 'x-other': '0' }),
      withData(one, { ...HEAD, 'grpc-status': '0' }, { 'x-other': '0' }),
      (c, s) => {
        c.headers(s, HEAD);
        c.write(FRAME.data, 0, s, one);
        c.headers(
          s,
          [
            ['grpc-status', '0'],
            ['grpc-status', random(2) === 0 ? '0' : '10'],
          ],
          END_STREAM,
        );
      },
      (c, s) => {
        c.headers(s, HEAD);
        c.write(FRAME.data, END_STREAM, s, one);
        c.headers(s, ok, END_STREAM);
      },
      (c, s) => {
        c.headers(s, HEAD);
        c.write(FRAME.data, 0, s, one);
        c.headers(s, ok);
      },
      (c, s) => {
        c.headers(s, HEAD);
        c.write(FRAME.data, 0, s, one);
        c.write(FRAME.reset, 0, s, code());
        if (random(2) === 0) c.headers(s, ok, END_STREAM);
      },
      (c, s) => c.write(FRAME.reset, 0, s, code()),
      (c, s) => {
        c.write(FRAME.data, 0, s, one);
        c.headers(s, ok, END_STREAM);
      },
      (c, s) => {
        for (let count = random(40); count > 0; count--) c.headers(s, { ':status': '103' });
      },
    ];
  }

  /** What ends the connection, or is likely to. */
  get #endings(): readonly Action[] {
    const random = this.#random;
    const code = (): Buffer => Buffer.from([0, 0, 0, random(15)]);
    const bytes = (count: number): Buffer => Buffer.from(Array.from({ length: count }, () => random(256)));
    return [
      (c, s) => c.goaway(Math.max(0, s - 2 * random(4)), random(3) === 0 ? random(14) : 0),
      (c) => this.#later(() => this.#end(c)),
      (c, s) => {
        c.write(FRAME.headers, 0, s, Buffer.from([0x88]));
        for (let count = random(40); count > 0; count--) c.write(CONTINUATION, 0, s, bytes(random(4)));
        if (random(2) === 0) c.write(CONTINUATION, END_HEADERS, s);
      },
      (c, s) => c.write(FRAME.headers, END_HEADERS | random(2), s, bytes(random(60))),
      (c, s) => c.write(PUSH_PROMISE, END_HEADERS, s, Buffer.concat([code(), bytes(4)])),
      (c) => c.settings([3, random(3)], [4, [0, 10, 65_535, 0x7f_ff_ff_ff][random(4)] as number]),
      (c) => {
        for (let count = random(300); count > 0; count--) c.write(FRAME.ping, 0, 0, bytes(8));
      },
      (c, s) => {
        for (let count = random(300); count > 0; count--) c.headers(s, { ':status': '103' });
      },
      (c, s) => c.write(FRAME.window, 0, random(2) * s, Buffer.from([random(256), random(256), random(256), 0])),
      (c) => c.socket.end(),
      (c) => c.abort(),
      (c, s) => {
        c.headers(s, HEAD);
        c.socket.end();
      },
      (c, s) => {
        // A valid response for another stream does not end this one.
        const other = s + 2 * random(5) - 4;
        if (other !== s && random(2) === 0) c.headers(Math.max(0, other), HEAD, END_STREAM);
      },
      (c, s) => this.#noise(c, s),
    ];
  }

  /** Frames and bytes at random. */
  #noise({ socket }: FrameConnection, stream: number): void {
    const random = this.#random;
    const bytes = (count: number): Buffer => Buffer.from(Array.from({ length: count }, () => random(256)));
    if (socket.destroyed) return;
    for (let count = 1 + random(5); count > 0; count--) {
      const payload = bytes(random(30));
      const head = Buffer.alloc(9);
      head.writeUIntBE(random(20) === 0 ? random(0xff_ff_ff) : payload.length, 0, 3);
      // Neither HEADERS nor CONTINUATION, which might become a valid response by chance.
      head[3] = [0, 2, 3, 4, 5, 6, 7, 8, 10, 255][random(10)] as number;
      head[4] = random(256);
      head.writeUInt32BE(random(2) === 0 ? stream : random(1_000), 5);
      socket.write(Buffer.concat([head, payload]));
    }
  }

  #end(connection: FrameConnection): void {
    if (this.#random(2) === 0) connection.socket.end();
    else connection.abort();
  }
}
