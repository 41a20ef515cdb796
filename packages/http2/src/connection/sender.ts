import { HTTP2_CODE, INITIAL_WINDOW, MAX_31_BITS, MAX_FRAME_BYTES } from '../constants.ts';
import type { FrameWriter } from '../frames/frame-writer.ts';
import { Http2Error } from '../http2-error.ts';
import type { SendQueue } from './send-queue.ts';
import type { Http2Stream } from './stream.ts';

/** DATA shorter than this may be the effect of windows that a peer keeps small on purpose. */
const USEFUL_BYTES = 256;

/** What the sender reports to its connection. */
export interface SenderOwner {
  readonly nowMs: number;
  endedLocally(stream: Http2Stream): void;
  /** A frame that transfers something was written. */
  sentUseful(): void;
}

/** Sends DATA as far as the peer's windows and the socket allow. Streams that wait take turns. */
export class Sender {
  /** The window of new streams. */
  initialWindow = INITIAL_WINDOW;
  readonly #writer: FrameWriter;
  readonly #owner: SenderOwner;
  /** Streams that wait for the connection's window or the socket, not only for their own window. */
  readonly #waiting = new Set<Http2Stream>();
  #window = INITIAL_WINDOW;
  #isCongested = false;
  #queuedBytes = 0;

  constructor(writer: FrameWriter, owner: SenderOwner) {
    this.#writer = writer;
    this.#owner = owner;
  }

  /** Bytes that wait, of all streams. */
  get queuedBytes(): number {
    return this.#queuedBytes;
  }

  /** Bytes that one frame of a stream may have now. */
  roomFor(stream: Http2Stream): number {
    return this.#isCongested ? 0 : Math.min(this.#window, stream.sendWindow, MAX_FRAME_BYTES);
  }

  write(stream: Http2Stream, bytes: Buffer, isLast: boolean): void {
    this.#window -= bytes.length;
    stream.sendWindow -= bytes.length;
    this.#writer.data(stream.id, bytes, isLast);
    if (isLast || bytes.length >= USEFUL_BYTES) this.#owner.sentUseful();
  }

  /** Whether the socket takes no more bytes for now. */
  congested(isCongested: boolean): void {
    this.#isCongested = isCongested;
    this.#resume();
  }

  /** The peer has enlarged the connection's window. */
  enlarge(bytes: number): void {
    this.#window += bytes;
    if (this.#window > MAX_31_BITS)
      throw new Http2Error(HTTP2_CODE.flowControlError, 'the window of the connection is too large');
    this.#resume();
  }

  /** The peer has changed the window of its streams. */
  resize(initialWindow: number, streams: Iterable<Http2Stream>): void {
    const change = initialWindow - this.initialWindow;
    this.initialWindow = initialWindow;
    if (change === 0) return;
    const waiting: Http2Stream[] = [];
    for (const stream of streams) {
      stream.sendWindow += change;
      if (stream.sendWindow > MAX_31_BITS)
        throw new Http2Error(HTTP2_CODE.flowControlError, 'the window of a stream is too large');
      if (stream.queue !== undefined) waiting.push(stream);
    }
    for (const stream of waiting) this.pump(stream);
  }

  /** Bytes were added to a stream's queue. */
  queued(stream: Http2Stream, bytes: number): void {
    this.#queuedBytes += bytes;
    this.pump(stream);
  }

  /** The window of a stream was enlarged. */
  pump(stream: Http2Stream): void {
    const { queue } = stream;
    if (queue === undefined) return;
    if (!this.#sendFrame(stream, queue)) return;
    if (stream.queue !== undefined) this.#waiting.add(stream);
    this.#resume();
  }

  forget(stream: Http2Stream): void {
    this.#waiting.delete(stream);
    this.#queuedBytes -= stream.queue?.bytes ?? 0;
  }

  /** One frame for each stream in turn. */
  #resume(): void {
    while (!this.#isCongested && this.#window > 0) {
      const [stream] = this.#waiting;
      if (stream === undefined) return;
      this.#waiting.delete(stream);
      const { queue } = stream;
      if (queue !== undefined && this.#sendFrame(stream, queue) && stream.queue !== undefined)
        this.#waiting.add(stream);
    }
  }

  /** Sends one frame, and the end of the stream. Returns whether the stream may send more later. */
  #sendFrame(stream: Http2Stream, queue: SendQueue): boolean {
    if (queue.bytes > 0) {
      const room = this.roomFor(stream);
      if (room <= 0) {
        if (stream.sendWindow > 0) this.#waiting.add(stream);
        return false;
      }
      const bytes = queue.take(room);
      this.#queuedBytes -= bytes.length;
      queue.progressMs = this.#owner.nowMs;
      const isLast = queue.bytes === 0 && queue.end === 'with-data';
      this.write(stream, bytes, isLast);
      if (queue.bytes > 0) return true;
      if (isLast) return this.#emptied(stream, true);
    }
    if (queue.end === 'not-yet') return this.#emptied(stream, false);
    if (queue.end === 'with-data') this.write(stream, NO_BYTES, true);
    else this.#writer.headers(stream.id, queue.end, true);
    return this.#emptied(stream, true);
  }

  #emptied(stream: Http2Stream, isLast: boolean): boolean {
    stream.queue = undefined;
    if (isLast) this.#owner.endedLocally(stream);
    else stream.receiver.drained();
    return true;
  }
}

const NO_BYTES = Buffer.alloc(0);
