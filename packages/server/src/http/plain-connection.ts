import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import type { ClientCertificate } from '@holdfast/api';
import { clientCertificateOf } from '../tls/client-certificate.ts';
import { HTTP_SERVER_SETTINGS } from './http-settings.ts';
import { type CallField, type Exchange, type Peer, peerOf } from './exchange.ts';
import { type PlainRequest, PlainRequestReader, valuesOf } from './plain-request.ts';
import { bodyText, tooLarge } from './read-body.ts';
import type { Part, Parts, Reply } from './reply.ts';
import { sendParts } from './send-parts.ts';

/** The receiver of a connection's requests and of its end. */
export interface ConnectionOwner {
  requested(exchange: Exchange): void;
  /**
   * The connection carries something other than a plain request: `node:http` serves it from now on,
   * beginning with `piece`.
   */
  handOver(socket: Socket, piece: Buffer): void;
  /** The connection was closed or handed over. */
  left(connection: PlainConnection): void;
}

const { headersTimeout, keepAliveTimeout } = HTTP_SERVER_SETTINGS;
const PERSISTENT = `Connection: keep-alive\r\nKeep-Alive: timeout=${keepAliveTimeout / 1_000}\r\n`;
const LAST = 'Connection: close\r\n';

/** A client's connection while it carries plain requests, one after the other. */
export class PlainConnection {
  readonly #owner: ConnectionOwner;
  readonly #socket: Socket;
  readonly #reader = new PlainRequestReader();
  #idleSinceMs = performance.now();
  #idleLimitMs: number = headersTimeout;
  /** The request being processed. */
  #exchange: PlainExchange | undefined;
  /** Bytes received before the response was sent. */
  #early: Buffer | undefined;

  constructor(socket: Socket, owner: ConnectionOwner) {
    this.#owner = owner;
    this.#socket = socket;
    socket.on('data', this.#onData).on('end', this.#onEnd).on('error', this.#onError).on('close', this.#onClose);
  }

  /** Closes the connection unless a request is being processed. */
  closeIfIdle(): void {
    if (this.#exchange === undefined) this.#socket.destroySoon();
  }

  /**
   * Closes the connection if no request has arrived, or the client has not received the end of the
   * last response, for too long. `sendParts` bounds the time of a response in parts.
   */
  closeIfLate(nowMs: number): void {
    if (this.#exchange === undefined && nowMs - this.#idleSinceMs > this.#idleLimitMs) this.#socket.destroy();
  }

  get peer(): Peer | undefined {
    return peerOf(this.#socket);
  }

  get clientCertificate(): ClientCertificate | undefined {
    return clientCertificateOf(this.#socket);
  }

  destroy(): void {
    this.#socket.destroy();
  }

  /** Responds to the current request. See `Exchange` for the promise. */
  respond({ status, head, body, encoding }: Reply, isLast: boolean): Promise<void> | undefined {
    this.#idleSinceMs = performance.now();
    this.#idleLimitMs = keepAliveTimeout;
    const first = `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${headLines(head)}Date: ${dateNow()}\r\n${isLast ? LAST : PERSISTENT}`;
    const isText = typeof body === 'string';
    if (!isText && !(body instanceof Uint8Array)) return this.#respondInParts(first, body, isLast);
    this.#exchange = undefined;
    if (!this.#socket.writable) return undefined;
    const isTaken = isText ? this.#socket.write(`${first}\r\n${body}`, encoding) : this.#writeAll(`${first}\r\n`, body);
    this.#responded(isTaken, isLast);
    return undefined;
  }

  /** Writes texts and bytes as one piece. Returns whether the client can take more. */
  #writeAll(...pieces: readonly Part[]): boolean {
    const socket = this.#socket;
    socket.cork();
    let isTaken = true;
    for (const piece of pieces) isTaken = socket.write(piece);
    socket.uncork();
    return isTaken;
  }

  async #respondInParts(first: string, parts: Parts, isLast: boolean): Promise<void> {
    const socket = this.#socket;
    if (socket.writable) socket.write(`${first}Transfer-Encoding: chunked\r\n\r\n`, 'latin1');
    await sendParts(socket, parts, (part) => {
      if (typeof part === 'string') return socket.write(`${Buffer.byteLength(part).toString(16)}\r\n${part}\r\n`);
      return this.#writeAll(`${part.length.toString(16)}\r\n`, part, '\r\n');
    });
    this.#exchange = undefined;
    this.#idleSinceMs = performance.now();
    if (socket.writable) this.#responded(socket.write('0\r\n\r\n'), isLast);
  }

  #responded(isTaken: boolean, isLast: boolean): void {
    if (isLast) this.#socket.destroySoon();
    else if (this.#early !== undefined) this.#leave(this.#early);
    // Nothing more is read from a client that does not read its response.
    else if (!isTaken) this.#socket.pause().once('drain', () => this.#socket.resume());
  }

  readonly #onData = (piece: Buffer): void => {
    // After the response that closes the connection no request is served (RFC 9112, 9.6).
    if (!this.#socket.writable) return;
    if (this.#exchange !== undefined) {
      this.#early = this.#early === undefined ? piece : Buffer.concat([this.#early, piece]);
      this.#socket.pause();
      return;
    }
    const request = this.#reader.read(piece);
    if (request === undefined) return this.#leave(piece);
    this.#exchange = new PlainExchange(this, request);
    this.#owner.requested(this.#exchange);
  };

  /** As with `node:http`, a client that ends its side receives no further response. */
  readonly #onEnd = (): void => this.#socket.destroySoon();

  /** `close` follows. */
  readonly #onError = (): void => {};

  readonly #onClose = (): void => {
    this.#owner.left(this);
    this.#exchange?.gone();
  };

  #leave(piece: Buffer): void {
    const socket = this.#socket;
    socket.off('data', this.#onData).off('end', this.#onEnd).off('error', this.#onError).off('close', this.#onClose);
    this.#owner.left(this);
    this.#owner.handOver(socket, piece);
  }
}

/** A plain request and its connection. */
class PlainExchange implements Exchange {
  readonly #connection: PlainConnection;
  readonly #request: PlainRequest;
  #isGone = false;
  #onGone: (() => void) | undefined;

  constructor(connection: PlainConnection, request: PlainRequest) {
    this.#connection = connection;
    this.#request = request;
  }

  get method(): string {
    return this.#request.method;
  }

  get url(): string {
    return this.#request.url;
  }

  get host(): string {
    return this.#request.host;
  }

  field(name: CallField): string | undefined {
    return this.#request.fields?.[name];
  }

  header(name: string): readonly string[] {
    return valuesOf(this.#request, name);
  }

  get peer(): Peer | undefined {
    return this.#connection.peer;
  }

  get clientCertificate(): ClientCertificate | undefined {
    return this.#connection.clientCertificate;
  }

  get protocol(): 'http/1.1' {
    return 'http/1.1';
  }

  /** A request with the header fields that identify browsers is not a plain one. */
  get isFromBrowser(): boolean {
    return false;
  }

  get crossSiteFault(): undefined {
    return undefined;
  }

  get isGone(): boolean {
    return this.#isGone;
  }

  announcedBytes(maxBytes: number): number {
    const { length } = this.#request.body;
    return length <= maxBytes ? length : 0;
  }

  body(maxBytes: number): string {
    const { body } = this.#request;
    if (body.length > maxBytes) throw tooLarge(maxBytes);
    return bodyText(body);
  }

  send(reply: Reply, isLast: boolean): Promise<void> | undefined {
    return this.#connection.respond(reply, isLast);
  }

  onGone(listener: () => void): void {
    this.#onGone = listener;
  }

  gone(): void {
    this.#isGone = true;
    this.#onGone?.();
  }
}

let lastHead: readonly string[] = [];
let lastLines = '';

/** The lines of a reply's fields. The usual reply, a success, always has the same list. */
function headLines(head: readonly string[]): string {
  if (head === lastHead) return lastLines;
  let lines = '';
  for (let at = 0; at < head.length; at += 2) lines += `${head[at]}: ${head[at + 1]}\r\n`;
  lastHead = head;
  lastLines = lines;
  return lines;
}

let dateSecond = 0;
let dateText = '';

/** The value of the `Date` field, updated once per second. */
function dateNow(): string {
  const nowMs = Date.now();
  const second = Math.floor(nowMs / 1_000);
  if (second !== dateSecond) {
    dateSecond = second;
    dateText = new Date(nowMs).toUTCString();
  }
  return dateText;
}
