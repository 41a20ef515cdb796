import {
  type ConnectionOwner,
  type Field,
  Http2Connection,
  type Http2Error,
  type Http2Stream,
  HTTP2_LIMITS,
  type Http2Limits,
  type StreamReceiver,
} from '@holdfast/http2';

/** What came over one stream. */
export class Received implements StreamReceiver {
  readonly stream: Http2Stream;
  readonly lists: (readonly Field[])[] = [];
  readonly pieces: Buffer[] = [];
  isComplete = false;
  drainedCount = 0;
  /** The codes of its end; one, once it has ended. */
  readonly ends: (number | undefined)[] = [];
  readonly #side: Side;

  constructor(stream: Http2Stream, side: Side) {
    this.stream = stream;
    this.#side = side;
  }

  get body(): Buffer {
    return Buffer.concat(this.pieces);
  }

  headers(fields: readonly Field[]): void {
    this.lists.push(fields);
  }

  data(piece: Buffer): void {
    this.pieces.push(Buffer.from(piece));
    if (this.#side.consumes) this.stream.consume(piece.length);
  }

  complete(): void {
    this.isComplete = true;
    this.#side.completed?.(this);
  }

  drained(): void {
    this.drainedCount++;
  }

  closed(code: number | undefined): void {
    this.ends.push(code);
  }
}

/** One side of a connection, with what it was notified of. */
export class Side implements ConnectionOwner {
  readonly connection: Http2Connection;
  readonly received: Received[] = [];
  consumes = true;
  completed: ((received: Received) => void) | undefined;
  rooms = 0;
  pongs = 0;
  isPeerLeaving = false;
  wantedOutput = 0;
  /** The errors of the ends of the connection; one at the most. */
  readonly ends: (Http2Error | undefined)[] = [];

  constructor(role: 'server' | 'client', limits: Partial<Http2Limits> = {}) {
    this.connection = new Http2Connection(role, this, 0, { ...HTTP2_LIMITS, ...limits });
  }

  /** The bytes that it sends now. */
  get output(): Buffer {
    this.wantedOutput = 0;
    return Buffer.concat(this.connection.takeOutput());
  }

  request(block: Buffer): Received {
    const received: Received = new Received(undefined as unknown as Http2Stream, this);
    const stream = this.connection.request(block, received);
    Object.assign(received, { stream });
    this.received.push(received);
    return received;
  }

  wantsOutput(): void {
    this.wantedOutput++;
  }

  opened(stream: Http2Stream, fields: readonly Field[]): StreamReceiver {
    const received = new Received(stream, this);
    received.headers(fields);
    this.received.push(received);
    return received;
  }

  hasRoom(): void {
    this.rooms++;
  }

  leaving(): void {
    this.isPeerLeaving = true;
  }

  ponged(): void {
    this.pongs++;
  }

  over(error: Http2Error | undefined): void {
    this.ends.push(error);
  }
}

/** Exchanges the bytes of both sides until neither has any. */
export function exchange(one: Side, other: Side, nowMs = 0): void {
  for (;;) {
    const [fromOne, fromOther] = [one.output, other.output];
    if (fromOne.length + fromOther.length === 0) return;
    if (fromOne.length > 0) other.connection.receive(fromOne, nowMs);
    if (fromOther.length > 0) one.connection.receive(fromOther, nowMs);
  }
}
