import { LongBody, type Word } from './long-body.ts';

/** Longest body that is kept whole; the rest is only searched for the deciding words. */
export const MAX_KEPT_BYTES = 64 * 1024;

/** Longest response that is read to its end, including heads, chunk lines and trailers. */
export const MAX_RESPONSE_BYTES = 16 * 1024 * 1024;

/**
 * Longest head of a response, longest line of a chunked body, and maximum total length of trailers.
 */
const MAX_HEAD_BYTES = 16 * 1024;
const MAX_CHUNK_LINE_BYTES = 1024;
const MAX_TRAILER_BYTES = 16 * 1024;
const MAX_CHUNKS = 64 * 1024;
/** Maximum number of interim (1xx) responses before the final one. */
const MAX_INFORMING = 16;

/** A response as received. */
export interface HttpResponse {
  readonly status: number;
  /** The body up to `MAX_KEPT_BYTES`. */
  readonly body: string;
  /** Whether the body was longer. */
  readonly isTruncated: boolean;
  /** For a truncated body: dtm's deciding word, found anywhere in the whole body. */
  readonly word: Word | undefined;
  /**
   * Whether the body ended only with the connection, so that a truncated response would be
   * indistinguishable.
   */
  readonly mayBeCutOff: boolean;
}

/**
 * The response is not HTTP/1.1 (RFC 9112), or not in the single form that all recipients read
 * alike.
 */
export class MalformedResponseError extends Error {
  override readonly name = 'MalformedResponseError';
}

type Phase = 'head' | 'length' | 'until-close' | 'chunk-line' | 'chunk' | 'chunk-end' | 'trailer' | 'complete';

/**
 * Parses one response after the other from a connection, from pieces of any size. Input that
 * recipients could read differently (two lengths, a blank before a colon, a line that ends with a
 * bare LF) is rejected rather than guessed, so that a response is never attributed to another
 * request.
 */
export class ResponseParser {
  status = 0;
  body = '';
  /** Whether the connection may carry another request after this response. */
  isReusable = false;
  /** From `Keep-Alive: timeout=…`; undefined: not in the response. */
  keepAliveMs: number | undefined;

  #phase: Phase = 'head';
  /** The beginning of a head or line whose end has not arrived. */
  #unread: Buffer | undefined;
  #left = 0;
  /**
   * Bytes of this response so far, bytes of its trailers, number of its 1xx responses, number of
   * its chunks.
   */
  #total = 0;
  #trailerBytes = 0;
  #informing = 0;
  #chunks = 0;
  #pieces: Buffer[] = [];
  #kept = 0;
  /** Set if the body is longer than the kept part. */
  #long: LongBody | undefined;
  #mayBeCutOff = false;
  /**
   * A service's heads differ only in the date, once per second: the last head is cached in parsed
   * form.
   */
  #headText = '';
  #head: Head | undefined;
  /** The bytes of that head with the empty line behind it, once it has come twice. */
  #headBytes: Buffer | undefined;

  get isComplete(): boolean {
    return this.#phase === 'complete';
  }

  /** Whether any byte of the response has arrived. */
  get hasBegun(): boolean {
    return this.#total > 0;
  }

  /** Valid once the response is complete. */
  get response(): HttpResponse {
    const { status, body } = this;
    const long = this.#long;
    return { status, body, isTruncated: long !== undefined, word: long?.word, mayBeCutOff: this.#mayBeCutOff };
  }

  /** Prepares for the next response. */
  reset(): void {
    this.status = 0;
    this.body = '';
    this.#total = 0;
    this.#trailerBytes = 0;
    this.#informing = 0;
    this.#chunks = 0;
    this.#long = undefined;
    this.#mayBeCutOff = false;
    this.isReusable = false;
    this.keepAliveMs = undefined;
    this.#phase = 'head';
    this.#unread = undefined;
    this.#left = 0;
    this.#kept = 0;
    if (this.#pieces.length > 0) this.#pieces = [];
  }

  /**
   * Parses a piece; keeps only copies of its bytes. Throws `MalformedResponseError`, also if bytes
   * follow the end of the response.
   */
  push(piece: Buffer): void {
    this.#total += piece.length;
    if (this.#total > MAX_RESPONSE_BYTES) throw tooLong();
    const bytes = this.#unread === undefined ? piece : Buffer.concat([this.#unread, piece]);
    this.#unread = undefined;
    let at = 0;
    while (at < bytes.length) {
      const next = this.#take(bytes, at);
      if (next === undefined) {
        this.#unread = Buffer.from(bytes.subarray(at));
        return;
      }
      at = next;
    }
  }

  /** Called when the connection has ended. Returns whether this completes the response. */
  end(): boolean {
    if (this.#phase === 'until-close') this.#finish();
    return this.isComplete;
  }

  /**
   * Parses the next part; returns the start of the part after it, or undefined if its end has not
   * arrived.
   */
  #take(bytes: Buffer, at: number): number | undefined {
    switch (this.#phase) {
      case 'head':
        return this.#takeHead(bytes, at);
      case 'length':
        return this.#takeData(bytes, at);
      case 'until-close':
        this.#keep(bytes, at, bytes.length);
        return bytes.length;
      case 'chunk-line':
        return this.#takeChunkLine(bytes, at);
      case 'chunk':
        return this.#takeData(bytes, at);
      case 'chunk-end':
        return this.#takeChunkEnd(bytes, at);
      case 'trailer':
        return this.#takeTrailer(bytes, at);
      case 'complete':
        throw new MalformedResponseError('more bytes came than the response has');
    }
  }

  #takeHead(bytes: Buffer, at: number): number | undefined {
    if (this.#head !== undefined && this.#headBytes !== undefined && beginsWith(bytes, at, this.#headBytes))
      return this.#afterHead(this.#head, bytes, at + this.#headBytes.length);
    const end = bytes.indexOf('\r\n\r\n', at, 'latin1');
    if ((end === -1 ? bytes.length : end) - at > MAX_HEAD_BYTES)
      throw new MalformedResponseError(`the head of the response is longer than ${MAX_HEAD_BYTES} bytes`);
    if (end === -1) return undefined;
    const text = bytes.toString('latin1', at, end);
    const next = end + 4;
    if (this.#head === undefined || this.#headText !== text) {
      this.#head = readHead(text);
      this.#headText = text;
      this.#headBytes = undefined;
    } else this.#headBytes = Buffer.from(bytes.subarray(at, next));
    return this.#afterHead(this.#head, bytes, next);
  }

  /** Processes a head whose body begins at `next`; takes the whole body of a usual response. */
  #afterHead(head: Head, bytes: Buffer, next: number): number {
    // 1xx: the final response follows.
    if (head.status < 200) {
      if (head.status === 101) throw new MalformedResponseError('the response changes the protocol');
      if (++this.#informing > MAX_INFORMING)
        throw new MalformedResponseError(
          `more than ${MAX_INFORMING} responses of status 1xx came before the final one`,
        );
      return next;
    }
    this.status = head.status;
    this.isReusable = head.persistent;
    this.keepAliveMs = head.keepAliveMs;
    this.#beginBody(head);
    // A usual response arrives in one piece: its body is not copied.
    if (this.#phase === 'length' && bytes.length - next === this.#left && this.#left <= MAX_KEPT_BYTES) {
      this.body = bytes.toString('utf8', next, bytes.length);
      this.#phase = 'complete';
      return bytes.length;
    }
    return next;
  }

  #beginBody(head: Head): void {
    if (head.status === 204 || head.status === 304) this.#phase = 'complete';
    else if (head.chunked) this.#phase = 'chunk-line';
    else if (head.length === undefined) {
      this.isReusable = false;
      this.#mayBeCutOff = true;
      this.#phase = 'until-close';
    } else {
      if (head.length > MAX_RESPONSE_BYTES) throw tooLong();
      this.#left = head.length;
      this.#phase = head.length === 0 ? 'complete' : 'length';
    }
  }

  #takeData(bytes: Buffer, at: number): number {
    const end = Math.min(bytes.length, at + this.#left);
    this.#keep(bytes, at, end);
    this.#left -= end - at;
    if (this.#left === 0) {
      if (this.#phase === 'chunk') this.#phase = 'chunk-end';
      else this.#finish();
    }
    return end;
  }

  #takeChunkLine(bytes: Buffer, at: number): number | undefined {
    const line = this.#line(bytes, at);
    if (line === undefined) return undefined;
    // A size, then extensions, which are ignored.
    const size = /^([0-9a-f]{1,12})[\t ]*(?:;.*)?$/i.exec(line)?.[1];
    if (size === undefined) throw new MalformedResponseError('the response has a chunk without a size');
    if (++this.#chunks > MAX_CHUNKS)
      throw new MalformedResponseError(`the response comes in more than ${MAX_CHUNKS} chunks`);
    this.#left = Number.parseInt(size, 16);
    this.#phase = this.#left === 0 ? 'trailer' : 'chunk';
    return at + line.length + 2;
  }

  #takeChunkEnd(bytes: Buffer, at: number): number | undefined {
    const line = this.#line(bytes, at);
    if (line === undefined) return undefined;
    if (line !== '') throw new MalformedResponseError('the response has a chunk that is longer than its size');
    this.#phase = 'chunk-line';
    return at + 2;
  }

  #takeTrailer(bytes: Buffer, at: number): number | undefined {
    const line = this.#line(bytes, at);
    if (line === undefined) return undefined;
    if (AMBIGUOUS.test(line))
      throw new MalformedResponseError('the response has a trailer that does not end with CR LF');
    if (line !== '' && !FIELD.test(line))
      throw new MalformedResponseError('the response has a trailer that is not a header field');
    this.#trailerBytes += line.length + 2;
    if (this.#trailerBytes > MAX_TRAILER_BYTES)
      throw new MalformedResponseError(`the trailers of the response are longer than ${MAX_TRAILER_BYTES} bytes`);
    if (line === '') this.#finish();
    return at + line.length + 2;
  }

  /** A line without its CR LF. */
  #line(bytes: Buffer, at: number): string | undefined {
    const end = bytes.indexOf('\r\n', at, 'latin1');
    if ((end === -1 ? bytes.length : end) - at > MAX_CHUNK_LINE_BYTES)
      throw new MalformedResponseError(`the response has a line longer than ${MAX_CHUNK_LINE_BYTES} bytes in its body`);
    return end === -1 ? undefined : bytes.toString('latin1', at, end);
  }

  #keep(bytes: Buffer, at: number, end: number): void {
    const kept = Math.min(MAX_KEPT_BYTES - this.#kept, end - at);
    if (kept > 0) {
      this.#pieces.push(Buffer.from(bytes.subarray(at, at + kept)));
      this.#kept += kept;
    }
    if (kept < end - at) this.#drop(bytes.subarray(at + kept, end));
  }

  #drop(bytes: Buffer): void {
    if (this.#long === undefined) {
      this.#long = new LongBody();
      for (const piece of this.#pieces) this.#long.push(piece);
    }
    this.#long.push(bytes);
  }

  #finish(): void {
    this.body = Buffer.concat(this.#pieces).toString('utf8');
    this.#phase = 'complete';
  }
}

const tooLong = (): MalformedResponseError =>
  new MalformedResponseError(`the response is longer than ${MAX_RESPONSE_BYTES} bytes`);

interface Head {
  readonly status: number;
  readonly length: number | undefined;
  readonly chunked: boolean;
  readonly persistent: boolean;
  readonly keepAliveMs: number | undefined;
}

/** Whether `beginning` is at this position. */
const beginsWith = (bytes: Buffer, at: number, beginning: Buffer): boolean =>
  bytes.length - at >= beginning.length &&
  bytes.compare(beginning, 0, beginning.length, at, at + beginning.length) === 0;

const STATUS_LINE = /^HTTP\/1\.([01]) ([1-5]\d\d)(?:[ \r]|$)/;
const FIELD = /^([!#$%&'*+\-.^_`|~0-9A-Za-z]+):(.*)$/;
/** Line ends that some recipients recognise and others do not. */
const AMBIGUOUS = /\r(?!\n)|(?<!\r)\n|\0/;

/**
 * Parses the fields that determine where the response ends and whether the connection stays open;
 * skips all others.
 */
function readHead(text: string): Head {
  const [, minor, status = ''] = STATUS_LINE.exec(text) ?? [];
  if (minor === undefined)
    throw new MalformedResponseError('the response does not begin with the status line of HTTP/1.1');
  if (AMBIGUOUS.test(text))
    throw new MalformedResponseError('the head of the response has a line that does not end with CR LF');
  let length: number | undefined;
  let codings: string | undefined;
  let connection = '';
  let keepAliveMs: number | undefined;
  for (const line of text.split('\r\n').slice(1)) {
    const [, name, rest = ''] = FIELD.exec(line) ?? [];
    if (name === undefined)
      throw new MalformedResponseError('the head of the response has a line that is not a header field');
    const value = trimmed(rest);
    switch (name.toLowerCase()) {
      case 'connection':
        connection += `,${value.toLowerCase()}`;
        break;
      case 'keep-alive':
        keepAliveMs = timeoutOf(value);
        break;
      case 'content-length':
        length = lengthOf(value, length);
        break;
      case 'transfer-encoding':
        codings = `${codings === undefined ? '' : `${codings},`}${value.toLowerCase()}`;
        break;
      case 'content-encoding':
        // A compressed body could hide the deciding words.
        if (value !== '' && value.toLowerCase() !== 'identity')
          throw new MalformedResponseError('the response is compressed, which was not requested');
        break;
    }
  }
  const chunked = codings !== undefined;
  if (chunked && length !== undefined)
    throw new MalformedResponseError('the response has both a Content-Length and a Transfer-Encoding');
  if (chunked && codings !== 'chunked')
    throw new MalformedResponseError('the response has a Transfer-Encoding other than chunked');
  // A body where none is allowed may still follow, and HTTP/1.0 has no chunks: the connection is
  // not reused.
  const dubious = (status === '204' && (chunked || (length ?? 0) > 0)) || (chunked && minor === '0');
  return {
    status: Number(status),
    length,
    chunked,
    persistent: !dubious && persists(connection, minor === '1'),
    keepAliveMs,
  };
}

/**
 * Removes blanks and tabs at both ends. Regular expressions for this take quadratic time on a run
 * of blanks.
 */
function trimmed(text: string): string {
  let [from, to] = [0, text.length];
  while (from < to && isBlank(text[from])) from++;
  while (from < to && isBlank(text[to - 1])) to--;
  return text.slice(from, to);
}

const isBlank = (character: string | undefined): boolean => character === ' ' || character === '\t';

function lengthOf(value: string, before: number | undefined): number {
  if (!/^\d{1,15}$/.test(value)) throw new MalformedResponseError('the Content-Length of the response is not a number');
  const length = Number(value);
  if (before !== undefined && before !== length)
    throw new MalformedResponseError('the response has two different Content-Lengths');
  return length;
}

/** @param connection the words of all `Connection` headers, each preceded by a comma */
function persists(connection: string, byDefault: boolean): boolean {
  if (connection === '') return byDefault;
  if (connection === ',keep-alive') return true;
  const words = connection.split(',').map((word) => word.trim());
  return !words.includes('close') && (byDefault || words.includes('keep-alive'));
}

function timeoutOf(value: string): number | undefined {
  const seconds = /timeout=(\d{1,6})/i.exec(value)?.[1];
  return seconds === undefined ? undefined : Number(seconds) * 1_000;
}
