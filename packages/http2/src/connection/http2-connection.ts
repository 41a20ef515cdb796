import { FLAG, FRAME, HTTP2_CODE, INITIAL_WINDOW, MAX_31_BITS, PREFACE, SETTING } from '../constants.ts';
import { FrameReader, type FrameSink } from '../frames/frame-reader.ts';
import { FrameWriter } from '../frames/frame-writer.ts';
import type { Field } from '../hpack/field.ts';
import { NO_TABLE } from '../hpack/header-encoder.ts';
import { Http2Error } from '../http2-error.ts';
import { ClosedStreams } from './closed-streams.ts';
import { FloodGuard } from './flood-guard.ts';
import { type BlockLimits, HeaderBlocks, type Headers } from './header-block.ts';
import { areTrailers, contentLengthOf, isInformational, isRequest, isResponse } from './message-rules.ts';
import { Sender, type SenderOwner } from './sender.ts';
import { readSettings } from './settings.ts';
import { Http2Stream, type StreamConnection, type StreamReceiver } from './stream.ts';

export interface Http2Limits extends BlockLimits {
  /** The highest stream that this side may open. */
  readonly lastStreamId: number;
  /** Streams that the peer may have open at once. */
  readonly maxStreams: number;
  /** Bytes of the connection that the peer may send ahead. */
  readonly connectionWindow: number;
  /**
   * Bytes of responses that wait for the peer's windows. Beyond them new streams are rejected, and
   * further responses are reset; one response alone may be longer.
   */
  readonly maxQueuedBytes: number;
  /** How long the peer may take to acknowledge SETTINGS, the first of which follow its preface. */
  readonly settingsTimeoutMs: number;
  /** How long bytes may wait for the peer's windows without progress. */
  readonly sendTimeoutMs: number;
}

export const HTTP2_LIMITS: Http2Limits = {
  tableBytes: 4_096,
  maxListBytes: 64 * 1024,
  maxFields: 128,
  maxBlockBytes: 64 * 1024,
  maxContinuations: 32,
  lastStreamId: MAX_31_BITS,
  maxStreams: 1_000,
  connectionWindow: 1024 * 1024,
  maxQueuedBytes: 16 * 1024 * 1024,
  settingsTimeoutMs: 20_000,
  sendTimeoutMs: 30_000,
};

/** Notifications from a connection to the code that has its socket. */
export interface ConnectionOwner {
  /** Bytes wait to be sent: `takeOutput` is to be called soon. Called once until then. */
  wantsOutput(): void;
  /** A server: a request has begun. Returns the receiver of what follows. */
  opened(stream: Http2Stream, fields: readonly Field[]): StreamReceiver;
  /** A client: another stream may be opened. */
  hasRoom(): void;
  /** The peer has announced that it takes no more streams. */
  leaving(): void;
  /** The peer has acknowledged a ping. */
  ponged(): void;
  /**
   * No further frame is sent: the socket is to be ended after the output. `error`: the reason,
   * unless both sides have finished.
   */
  over(error: Http2Error | undefined): void;
}

/** The client has nearly used up its IDs of streams: it is requested to open another connection. */
const LAST_IDS = MAX_31_BITS - 2 * 100_000;
const PING_BYTES = 8;
/** The payload of the ping that is sent with the announcement of leaving. */
const LEAVE_PING = Buffer.from('leaving!', 'latin1');
const KEEP_ALIVE_PING = Buffer.from('holdfast', 'latin1');

/**
 * One side of an HTTP/2 connection (RFC 9113), without socket and clock: bytes go in, notifications
 * and bytes come out. Owns its streams, both windows of flow control and the limits.
 *
 * Phases: a server waits for the client's preface, then both sides for the first SETTINGS; `open`;
 * `over`, after an error, after `close`, and once all streams have ended and one side is leaving.
 *
 * Invariants:
 * - Every stream's receiver is notified of its end once, also by the end of the connection.
 * - A header block that was received is always decoded, so the tables of both sides stay equal.
 * - A request is passed on if it is complete, well-formed and within the limits, or not at all.
 * - Anything that the peer can cause without end is bounded, or ends the connection.
 *
 * The class is long because a frame's meaning depends on the state of all parts.
 */
export class Http2Connection implements FrameSink, SenderOwner, StreamConnection {
  /** By the clock of the caller. */
  nowMs: number;
  readonly #isServer: boolean;
  readonly #owner: ConnectionOwner;
  readonly #limits: Http2Limits;
  readonly #reader: FrameReader;
  readonly #writer: FrameWriter;
  readonly #blocks: HeaderBlocks;
  readonly #sender: Sender;
  readonly #guard: FloodGuard;
  readonly #streams = new Map<number, Http2Stream>();
  readonly #closed = new ClosedStreams();
  #phase: 'preface' | 'settings' | 'open' | 'over';
  #prefaceBytes = 0;
  /** When SETTINGS were sent that the peer has not acknowledged. */
  #settingsMs: number | undefined;
  #receiveWindow: number;
  /** Received bytes by which the peer's window is to be enlarged. */
  #unreported = 0;
  /** The highest stream that the peer has opened. */
  #lastPeerId = 0;
  /** The next stream that this side opens. */
  #nextId = 1;
  #peerMaxStreams = MAX_31_BITS;
  #hasSentHeaders = false;
  /** Whether the peer was notified that this side leaves, and with which stream as the last one. */
  #leaving: 'no' | 'announced' | 'finally' = 'no';
  #isPeerLeaving = false;
  #error: Http2Error | undefined;

  constructor(role: 'server' | 'client', owner: ConnectionOwner, nowMs: number, limits = HTTP2_LIMITS) {
    this.nowMs = nowMs;
    this.#isServer = role === 'server';
    this.#owner = owner;
    this.#limits = limits;
    this.#reader = new FrameReader(this);
    this.#writer = new FrameWriter(() => owner.wantsOutput());
    this.#blocks = new HeaderBlocks(limits);
    this.#sender = new Sender(this.#writer, this);
    this.#guard = new FloodGuard(nowMs);
    this.#phase = this.#isServer ? 'preface' : 'settings';
    this.#settingsMs = nowMs;
    this.#receiveWindow = limits.connectionWindow;
    this.#start();
  }

  get isOver(): boolean {
    return this.#phase === 'over';
  }

  /** The error that ended the connection; set before its streams are closed. */
  get error(): Http2Error | undefined {
    return this.#error;
  }

  /** Whether the peer may open streams, or this side may. */
  get isLeaving(): boolean {
    return this.#leaving !== 'no' || this.#isPeerLeaving || this.isOver;
  }

  get streamCount(): number {
    return this.#streams.size;
  }

  /** A client: whether `request` opens a stream now. */
  get canRequest(): boolean {
    return !this.isLeaving && this.#streams.size < this.#peerMaxStreams && this.#nextId <= this.#limits.lastStreamId;
  }

  /** A client: whether no stream can be opened any more. */
  get isExhausted(): boolean {
    return this.isLeaving || this.#nextId > this.#limits.lastStreamId;
  }

  /** Takes bytes from the socket. They must not change afterwards. */
  receive(piece: Buffer, nowMs: number): void {
    this.nowMs = nowMs;
    try {
      const rest = this.#phase === 'preface' ? this.#readPreface(piece) : piece;
      if (this.#phase === 'settings' && !this.#isServer && piece.toString('latin1', 0, HTTP1.length) === HTTP1)
        throw protocolError('the server responds with HTTP/1.1, not with HTTP/2');
      if (!this.isOver && rest.length > 0) this.#reader.read(rest);
    } catch (error) {
      this.#fail(asHttp2Error(error));
    }
  }

  /** Returns the bytes for the socket. */
  takeOutput(): readonly Buffer[] {
    return this.#writer.take();
  }

  /** Whether the socket takes no more bytes for now: no DATA is sent until it does. */
  congested(isCongested: boolean): void {
    if (!this.isOver) this.#sender.congested(isCongested);
  }

  /** Ends the connection, or its streams, for what has taken too long. */
  check(nowMs: number): void {
    if (this.isOver) return;
    this.nowMs = nowMs;
    if (this.#settingsMs !== undefined && nowMs - this.#settingsMs > this.#limits.settingsTimeoutMs)
      return this.#fail(new Http2Error(HTTP2_CODE.settingsTimeout, 'SETTINGS were not acknowledged in time'));
    const beforeMs = nowMs - this.#limits.sendTimeoutMs;
    for (const stream of this.#streams.values())
      if ((stream.queue?.progressMs ?? nowMs) < beforeMs) stream.reset(HTTP2_CODE.cancel);
  }

  /** Sends a ping; its acknowledgement leads to `ponged`. */
  ping(): void {
    if (!this.isOver) this.#sendPing(KEEP_ALIVE_PING);
  }

  /**
   * A client: opens a stream. Only if `canRequest`.
   *
   * @param block the request's fields, from `encodeHeaders`
   */
  request(block: Buffer, receiver: StreamReceiver): Http2Stream {
    const stream = new Http2Stream(this.#nextId, this.#sender.initialWindow, this);
    this.#nextId += 2;
    stream.receiver = receiver;
    this.#streams.set(stream.id, stream);
    stream.sendHeaders(block);
    return stream;
  }

  /**
   * Announces that this side leaves. A server takes the streams that the client has opened before
   * it received the announcement. The connection is over when all streams have ended.
   */
  leave(): void {
    if (this.isOver || this.#leaving !== 'no') return;
    if (!this.#isServer) return this.leaveNow();
    this.#leaving = 'announced';
    this.#writer.goaway(MAX_31_BITS, HTTP2_CODE.noError, '');
    this.#sendPing(LEAVE_PING);
  }

  /** Takes no further streams. The connection is over when the present ones have ended. */
  leaveNow(): void {
    if (this.isOver || this.#leaving === 'finally') return;
    this.#leaving = 'finally';
    this.#writer.goaway(this.#lastPeerId, HTTP2_CODE.noError, '');
    this.#finishIfDone();
  }

  /** Ends the connection and its streams at once. */
  close(code: number, reason: string): void {
    this.#fail(new Http2Error(code, reason));
  }

  /** The socket has ended or failed: no bytes can be sent. */
  disconnected(): void {
    this.#end(HTTP2_CODE.cancel, undefined);
  }

  frame(type: number, flags: number, id: number, bytes: Buffer, start: number, end: number): void {
    if (this.isOver) return;
    const { openStream } = this.#blocks;
    if (openStream !== undefined && (type !== FRAME.continuation || id !== openStream))
      throw protocolError('another frame within a header block');
    if (this.#phase === 'settings') {
      if (type !== FRAME.settings || (flags & FLAG.ack) !== 0) throw protocolError('the first frame is not SETTINGS');
      this.#phase = 'open';
    }
    switch (type) {
      case FRAME.data:
        return this.#takeData(flags, id, bytes, start, end);
      case FRAME.headers:
        return this.#takeHeaders(flags, id, bytes, start, end);
      case FRAME.continuation:
        return this.#complete(this.#blocks.continue((flags & FLAG.endHeaders) !== 0, bytes, start, end));
      case FRAME.reset:
        return this.#takeReset(id, bytes, start, end);
      case FRAME.windowUpdate:
        return this.#takeWindowUpdate(id, bytes, start, end);
      case FRAME.pushPromise:
        throw protocolError('PUSH_PROMISE is not allowed');
      default:
        return this.#takeControl(type, flags, id, bytes, start, end);
    }
  }

  roomFor(stream: Http2Stream): number {
    return this.#sender.roomFor(stream);
  }

  writeHeaders(stream: Http2Stream, block: Buffer, isLast: boolean): void {
    // The encoder uses no table; the peer is notified of that once.
    const sent = this.#hasSentHeaders ? block : Buffer.concat([NO_TABLE_BYTES, block]);
    this.#hasSentHeaders = true;
    this.#writer.headers(stream.id, sent, isLast);
    this.#guard.useful();
  }

  writeData(stream: Http2Stream, bytes: Buffer, isLast: boolean): void {
    this.#sender.write(stream, bytes, isLast);
  }

  queued(stream: Http2Stream, bytes: number): void {
    this.#sender.queued(stream, bytes);
    const { queuedBytes } = this.#sender;
    if (!this.#isServer || queuedBytes <= this.#limits.maxQueuedBytes) return;
    // The stream was opened before so much waited.
    if (stream.queue !== undefined && stream.queue.bytes < queuedBytes)
      this.resetStream(stream, HTTP2_CODE.enhanceYourCalm);
  }

  discardQueued(stream: Http2Stream): void {
    this.#sender.forget(stream);
    stream.queue = undefined;
  }

  sentUseful(): void {
    this.#guard.useful();
  }

  endedLocally(stream: Http2Stream): void {
    if (stream.ended('local')) this.#close(stream, undefined, 'otherwise');
    // After a complete response the rest of the request is not needed (RFC 9113, 8.1).
    else if (this.#isServer) this.resetStream(stream, HTTP2_CODE.noError);
  }

  resetStream(stream: Http2Stream, code: number): void {
    this.#writer.reset(stream.id, code);
    this.#close(stream, code, 'reset-here');
  }

  consumed(stream: Http2Stream, bytes: number): void {
    stream.unreported += bytes;
    if (stream.unreported < INITIAL_WINDOW / 2) return;
    this.#writer.windowUpdate(stream.id, stream.unreported);
    stream.receiveWindow += stream.unreported;
    stream.unreported = 0;
  }

  /** The first frames of this side. */
  #start(): void {
    const { maxStreams, maxListBytes, connectionWindow } = this.#limits;
    if (!this.#isServer) this.#writer.raw(PREFACE);
    this.#writer.settings([
      this.#isServer ? [SETTING.maxConcurrentStreams, maxStreams] : [SETTING.enablePush, 0],
      [SETTING.maxHeaderListSize, maxListBytes],
    ]);
    if (connectionWindow > INITIAL_WINDOW) this.#writer.windowUpdate(0, connectionWindow - INITIAL_WINDOW);
  }

  /** Returns what follows the preface. */
  #readPreface(piece: Buffer): Buffer {
    const length = Math.min(PREFACE.length - this.#prefaceBytes, piece.length);
    if (piece.compare(PREFACE, this.#prefaceBytes, this.#prefaceBytes + length, 0, length) !== 0)
      throw protocolError('the client does not speak HTTP/2');
    this.#prefaceBytes += length;
    if (this.#prefaceBytes === PREFACE.length) this.#phase = 'settings';
    return piece.subarray(length);
  }

  #takeData(flags: number, id: number, bytes: Buffer, start: number, end: number): void {
    const padding = paddingOf(flags, bytes, start, end);
    const from = padding === 0 ? start : start + 1;
    const to = padding === 0 ? end : end - padding + 1;
    this.#receiveWindow -= end - start;
    if (this.#receiveWindow < 0) throw new Http2Error(HTTP2_CODE.flowControlError, 'more DATA than the window allows');
    this.#restoreWindow(end - start);
    const stream = this.#streams.get(id);
    if (stream === undefined) return this.#onClosed(id, 'DATA');
    if (stream.isEndedByPeer) return this.#faulty(stream, HTTP2_CODE.streamClosed);
    // A client: no DATA before the response.
    if (!stream.hasHeaders) return this.#faulty(stream, HTTP2_CODE.protocolError);
    stream.receiveWindow -= end - start;
    if (stream.receiveWindow < 0) return this.#faulty(stream, HTTP2_CODE.flowControlError);
    if (padding > 0) stream.consume(padding);
    if (stream.expectedBytes >= 0) {
      stream.expectedBytes -= to - from;
      if (stream.expectedBytes < 0) return this.#faulty(stream, HTTP2_CODE.protocolError);
    }
    const isLast = (flags & FLAG.endStream) !== 0;
    if (to > from) stream.receiver.data(bytes.subarray(from, to));
    else if (!isLast) this.#guard.control(this.nowMs);
    if (isLast) this.#endedByPeer(stream);
  }

  /** Permits the peer to send the bytes again: each stream's window bounds what is kept. */
  #restoreWindow(bytes: number): void {
    this.#unreported += bytes;
    if (this.#unreported < this.#limits.connectionWindow / 2) return;
    this.#writer.windowUpdate(0, this.#unreported);
    this.#receiveWindow += this.#unreported;
    this.#unreported = 0;
  }

  #takeHeaders(flags: number, id: number, bytes: Buffer, start: number, end: number): void {
    if (id === 0) throw protocolError('HEADERS without a stream');
    const padding = paddingOf(flags, bytes, start, end);
    let from = padding === 0 ? start : start + 1;
    const to = padding === 0 ? end : end - padding + 1;
    let isFaulty = false;
    if ((flags & FLAG.priority) !== 0) {
      if (to - from < PRIORITY_BYTES) throw new Http2Error(HTTP2_CODE.frameSizeError, 'the priority is cut off');
      isFaulty = (bytes.readUInt32BE(from) & MAX_31_BITS) === id;
      from += PRIORITY_BYTES;
    }
    const isLast = (flags & FLAG.endStream) !== 0;
    const isComplete = (flags & FLAG.endHeaders) !== 0;
    this.#complete(this.#blocks.begin(id, isLast, isFaulty, isComplete, bytes, from, to));
  }

  #complete(headers: Headers | undefined): void {
    if (headers === undefined) return;
    const { stream: id, isLast, fields } = headers;
    const stream = this.#streams.get(id);
    if (stream === undefined) return this.#isServer ? this.#open(headers) : this.#onClosed(id, 'HEADERS');
    if (stream.isEndedByPeer) return this.#faulty(stream, HTTP2_CODE.streamClosed);
    if (fields === undefined) return this.#faulty(stream, HTTP2_CODE.enhanceYourCalm);
    if (stream.hasHeaders) {
      if (headers.isFaulty || !isLast || !areTrailers(fields)) return this.#faulty(stream, HTTP2_CODE.protocolError);
    } else {
      if (!isResponse(fields)) return this.#faulty(stream, HTTP2_CODE.protocolError);
      if (isInformational(fields))
        return isLast ? this.#faulty(stream, HTTP2_CODE.protocolError) : this.#guard.control(this.nowMs);
      if (!this.#announce(stream, fields)) return;
    }
    stream.receiver.headers(fields, isLast);
    if (isLast) this.#endedByPeer(stream);
  }

  /** A server: HEADERS for a stream that is not open. */
  #open(headers: Headers): void {
    const { stream: id, isLast, isFaulty, fields } = headers;
    if (id % 2 === 0) throw protocolError('HEADERS for a stream that only the server can open');
    if (id <= this.#lastPeerId) return this.#onClosed(id, 'HEADERS');
    // The client repeats it over another connection.
    if (this.#leaving === 'finally') return;
    this.#lastPeerId = id;
    if (fields === undefined) return this.#reject(id, HTTP2_CODE.enhanceYourCalm);
    if (isFaulty || !isRequest(fields)) return this.#reject(id, HTTP2_CODE.protocolError);
    if (this.#streams.size >= this.#limits.maxStreams) return this.#reject(id, HTTP2_CODE.refusedStream);
    if (this.#sender.queuedBytes > this.#limits.maxQueuedBytes) return this.#reject(id, HTTP2_CODE.enhanceYourCalm);
    const stream = new Http2Stream(id, this.#sender.initialWindow, this);
    this.#streams.set(id, stream);
    if (!this.#announce(stream, fields)) return;
    stream.receiver = this.#owner.opened(stream, fields);
    if (isLast) this.#endedByPeer(stream);
    if (id >= LAST_IDS) this.leave();
  }

  /** Notes the message's length. Returns false if it is malformed. */
  #announce(stream: Http2Stream, fields: readonly Field[]): boolean {
    const length = contentLengthOf(fields);
    stream.gotHeaders();
    if (length !== undefined) stream.expectedBytes = length;
    else this.#faulty(stream, HTTP2_CODE.protocolError);
    return length !== undefined;
  }

  #takeReset(id: number, bytes: Buffer, start: number, end: number): void {
    if (end - start !== 4) throw new Http2Error(HTTP2_CODE.frameSizeError, 'RST_STREAM of a wrong length');
    if (this.#isIdle(id)) throw protocolError('RST_STREAM for a stream that is not open');
    const stream = this.#streams.get(id);
    if (stream !== undefined) this.#close(stream, bytes.readUInt32BE(start), 'otherwise');
    // A server may reject every call of a client, which bounds their number itself.
    if (this.#isServer || stream === undefined) this.#guard.reset(this.nowMs);
  }

  #takeWindowUpdate(id: number, bytes: Buffer, start: number, end: number): void {
    if (end - start !== 4) throw new Http2Error(HTTP2_CODE.frameSizeError, 'WINDOW_UPDATE of a wrong length');
    const increment = bytes.readUInt32BE(start) & MAX_31_BITS;
    this.#guard.control(this.nowMs);
    if (id === 0) {
      if (increment === 0) throw protocolError('WINDOW_UPDATE by 0 bytes');
      return this.#sender.enlarge(increment);
    }
    if (this.#isIdle(id)) throw protocolError('WINDOW_UPDATE for a stream that is not open');
    const stream = this.#streams.get(id);
    if (stream === undefined) return;
    if (increment === 0) return this.#faulty(stream, HTTP2_CODE.protocolError);
    stream.sendWindow += increment;
    if (stream.sendWindow > MAX_31_BITS) return this.#faulty(stream, HTTP2_CODE.flowControlError);
    this.#sender.pump(stream);
  }

  /** Frames of the connection, PRIORITY, and unknown frames. */
  #takeControl(type: number, flags: number, id: number, bytes: Buffer, start: number, end: number): void {
    const isAck = (flags & FLAG.ack) !== 0;
    switch (type) {
      case FRAME.settings:
        if (id !== 0) throw protocolError('SETTINGS for a stream');
        return isAck ? this.#takeSettingsAck(end - start) : this.#takeSettings(bytes, start, end);
      case FRAME.ping:
        if (id !== 0) throw protocolError('PING for a stream');
        if (end - start !== PING_BYTES) throw new Http2Error(HTTP2_CODE.frameSizeError, 'PING of a wrong length');
        return this.#takePing(isAck, bytes.subarray(start, end));
      case FRAME.goaway:
        if (id !== 0) throw protocolError('GOAWAY for a stream');
        if (end - start < 8) throw new Http2Error(HTTP2_CODE.frameSizeError, 'GOAWAY is cut off');
        return this.#takeGoaway(bytes.readUInt32BE(start) & MAX_31_BITS, bytes.readUInt32BE(start + 4));
      case FRAME.priority:
        this.#guard.control(this.nowMs);
        if (id === 0) throw protocolError('PRIORITY without a stream');
        if (end - start !== PRIORITY_BYTES) return this.#wrongPriority(id, HTTP2_CODE.frameSizeError);
        if ((bytes.readUInt32BE(start) & MAX_31_BITS) === id) return this.#wrongPriority(id, HTTP2_CODE.protocolError);
        return;
      default:
        this.#guard.control(this.nowMs);
    }
  }

  #wrongPriority(id: number, code: number): void {
    const stream = this.#streams.get(id);
    // A stream that is not open cannot be reset.
    if (stream === undefined) throw new Http2Error(code, 'malformed PRIORITY');
    this.#faulty(stream, code);
  }

  #takeSettings(bytes: Buffer, start: number, end: number): void {
    this.#guard.control(this.nowMs);
    const { maxStreams, initialWindow } = readSettings(bytes, start, end, !this.#isServer);
    this.#writer.ack(FRAME.settings, NO_BYTES);
    if (initialWindow !== undefined) this.#sender.resize(initialWindow, this.#streams.values());
    if (maxStreams === undefined) return;
    this.#peerMaxStreams = maxStreams;
    if (!this.#isServer && this.canRequest) this.#owner.hasRoom();
  }

  #takeSettingsAck(length: number): void {
    if (length > 0) throw new Http2Error(HTTP2_CODE.frameSizeError, 'an acknowledgement with settings');
    if (this.#settingsMs === undefined) this.#guard.control(this.nowMs);
    this.#settingsMs = undefined;
  }

  #takePing(isAck: boolean, payload: Buffer): void {
    this.#guard.control(this.nowMs);
    if (!isAck) return this.#writer.ack(FRAME.ping, payload);
    if (payload.equals(KEEP_ALIVE_PING)) this.#owner.ponged();
    // All streams that the client opened before it knew have arrived.
    else if (payload.equals(LEAVE_PING) && this.#leaving === 'announced') this.leaveNow();
  }

  #takeGoaway(last: number, code: number): void {
    this.#guard.control(this.nowMs);
    this.#isPeerLeaving = true;
    this.#owner.leaving();
    // Streams that a server has not begun may be repeated.
    if (!this.#isServer)
      for (const stream of [...this.#streams.values()])
        if (stream.id > last) this.#close(stream, HTTP2_CODE.refusedStream, 'otherwise');
    if (code !== HTTP2_CODE.noError) this.#end(code, new Http2Error(code, 'the peer has ended the connection'));
    else this.#finishIfDone();
  }

  /** A frame for a stream that is not open. */
  #onClosed(id: number, frame: string): void {
    if (id === 0 || this.#isIdle(id)) throw protocolError(`${frame} for a stream that is not open`);
    // The client repeats it over another connection.
    if (this.#isServer && id > this.#lastPeerId) return;
    const closing = this.#closed.closingOf(id);
    if (closing === 'reset-here') return;
    if (closing === 'otherwise') throw new Http2Error(HTTP2_CODE.streamClosed, `${frame} for a stream that is closed`);
    // Forgotten, or never used: a stream that was opened after it has closed it. A client may have
    // reset more streams than are remembered, to which responses are in flight.
    if (frame === 'HEADERS' && this.#isServer) throw protocolError('HEADERS for a stream that is closed');
    this.#reject(id, HTTP2_CODE.streamClosed);
  }

  /** Whether no side has opened the stream yet. */
  #isIdle(id: number): boolean {
    if (id === 0) return true;
    const isOwn = (id % 2 === 1) !== this.#isServer;
    return isOwn ? id >= this.#nextId : id > this.#lastPeerId && this.#leaving !== 'finally';
  }

  /** The peer has made an error in one stream. */
  #faulty(stream: Http2Stream, code: number): void {
    this.resetStream(stream, code);
    this.#guard.reset(this.nowMs);
  }

  /** Resets a stream that was not opened. */
  #reject(id: number, code: number): void {
    this.#writer.reset(id, code);
    this.#closed.add(id, 'reset-here');
    this.#guard.reset(this.nowMs);
  }

  #endedByPeer(stream: Http2Stream): void {
    // The receiver may have reset it.
    if (stream.state === 'closed') return;
    if (stream.expectedBytes > 0) return this.#faulty(stream, HTTP2_CODE.protocolError);
    const { receiver } = stream;
    const isClosed = stream.ended('remote');
    receiver.complete();
    if (isClosed) this.#close(stream, undefined, 'otherwise');
  }

  #close(stream: Http2Stream, code: number | undefined, closing: 'reset-here' | 'otherwise'): void {
    if (!this.#streams.delete(stream.id)) return;
    this.#closed.add(stream.id, closing);
    this.#sender.forget(stream);
    stream.close(code);
    if (!this.#isServer && this.canRequest) this.#owner.hasRoom();
    this.#finishIfDone();
  }

  #sendPing(payload: Buffer): void {
    this.#writer.head(PING_BYTES, FRAME.ping, 0, 0);
    this.#writer.bytes(payload);
  }

  #finishIfDone(): void {
    if (this.#streams.size > 0 || (this.#leaving !== 'finally' && !this.#isPeerLeaving)) return;
    if (this.#leaving !== 'finally' && !this.isOver) this.#writer.goaway(this.#lastPeerId, HTTP2_CODE.noError, '');
    this.#end(HTTP2_CODE.noError, undefined);
  }

  #fail(error: Http2Error): void {
    if (this.isOver) return;
    this.#writer.goaway(this.#lastPeerId, error.code, error.message);
    this.#end(error.code, error);
  }

  #end(code: number, error: Http2Error | undefined): void {
    if (this.isOver) return;
    this.#phase = 'over';
    this.#error = error;
    const streams = [...this.#streams.values()];
    this.#streams.clear();
    for (const stream of streams) stream.close(code);
    this.#owner.over(error);
  }
}

const PRIORITY_BYTES = 5;
/** The first bytes of a server that does not know HTTP/2. */
const HTTP1 = 'HTTP/1.';
const NO_BYTES = Buffer.alloc(0);
const NO_TABLE_BYTES = Buffer.from([NO_TABLE]);

const protocolError = (message: string): Http2Error => new Http2Error(HTTP2_CODE.protocolError, message);

/** An error that a receiver threw ends the connection as well, so that it cannot be overlooked. */
const asHttp2Error = (error: unknown): Http2Error =>
  error instanceof Http2Error ? error : new Http2Error(HTTP2_CODE.internalError, 'an internal error', { cause: error });

/** The bytes of padding, its length included. */
function paddingOf(flags: number, bytes: Buffer, start: number, end: number): number {
  if ((flags & FLAG.padded) === 0) return 0;
  if (start === end) throw new Http2Error(HTTP2_CODE.frameSizeError, 'the padding is cut off');
  const padding = (bytes[start] as number) + 1;
  if (padding > end - start) throw protocolError('the padding is longer than the frame');
  return padding;
}
