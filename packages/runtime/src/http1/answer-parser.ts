import { LongBody, type Word } from './long-body.ts';

/** Longest body that is kept whole; what comes after it is searched for the words that decide, and dropped. */
export const MAX_ANSWER_BYTES = 64 * 1024;

/** Longest response that is read to its end, heads, chunk lines and trailers included. */
export const MAX_RESPONSE_BYTES = 16 * 1024 * 1024;

/** Longest head of a response, longest line of a chunked body, and longest trailers together. */
const MAX_HEAD_BYTES = 16 * 1024;
const MAX_CHUNK_LINE_BYTES = 1024;
const MAX_TRAILER_BYTES = 16 * 1024;
const MAX_CHUNKS = 64 * 1024;
/** Responses that only inform (1xx) before the final one. */
const MAX_INFORMING = 16;

/** A response as it was read. */
export interface Answer {
  readonly status: number;
  /** The beginning of the body, at most `MAX_ANSWER_BYTES` of it. */
  readonly body: string;
  /** Whether the body was longer than what was kept. */
  readonly isTruncated: boolean;
  /** Of a truncated body: dtm's word that decides, wherever in it. */
  readonly word: Word | undefined;
  /** Only the end of the connection ended the body, so a response that was cut off looks the same. */
  readonly mayBeCutOff: boolean;
}

/** What came is not HTTP/1.1 (RFC 9112), or not in the one way that all recipients read alike. */
export class MalformedAnswerError extends Error {
  override readonly name = 'MalformedAnswerError';
}

type Phase = 'head' | 'length' | 'until-close' | 'chunk-line' | 'chunk' | 'chunk-end' | 'trailer' | 'complete';

/**
 * Reads one answer after the other off a connection, from pieces of any size. What two recipients could read differently (two lengths, a blank before a
 * colon, a line that ends with a bare LF) is refused rather than guessed, so that an answer is never taken for that of another request.
 */
export class AnswerParser {
  status = 0;
  body = '';
  /** Whether the connection may carry another request after this answer. */
  isReusable = false;
  /** From `Keep-Alive: timeout=…`; undefined: the answer does not say. */
  keepAliveMs: number | undefined;

  #phase: Phase = 'head';
  /** The beginning of a head or line whose end has not come yet. */
  #unread: Buffer | undefined;
  #left = 0;
  /** Bytes of this response so far, those of its trailers, the number of its 1xx, and that of its chunks. */
  #total = 0;
  #trailerBytes = 0;
  #informing = 0;
  #chunks = 0;
  #pieces: Buffer[] = [];
  #kept = 0;
  /** Set when the body is longer than what is kept. */
  #long: LongBody | undefined;
  #mayBeCutOff = false;
  /** A service's heads are the same but for a date each second: the last one is kept with what it said. */
  #headText = '';
  #head: Head | undefined;

  get isComplete(): boolean {
    return this.#phase === 'complete';
  }

  /** Whether a byte of the response has come. */
  get hasBegun(): boolean {
    return this.#total > 0;
  }

  /** To be read when the response is complete. */
  get answer(): Answer {
    const { status, body } = this;
    const long = this.#long;
    return { status, body, isTruncated: long !== undefined, word: long?.word, mayBeCutOff: this.#mayBeCutOff };
  }

  /** Before the next answer. */
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

  /** Takes what came; nothing of `piece` is kept but copies. Throws `MalformedAnswerError`, also when more comes than the answer has. */
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

  /** The connection ended. Whether the answer is complete with that. */
  end(): boolean {
    if (this.#phase === 'until-close') this.#finish();
    return this.isComplete;
  }

  /** Takes the next part; gives where the one after it begins, or undefined when its end has not come yet. */
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
        throw new MalformedAnswerError('more came than the answer has');
    }
  }

  #takeHead(bytes: Buffer, at: number): number | undefined {
    const end = bytes.indexOf('\r\n\r\n', at, 'latin1');
    if ((end === -1 ? bytes.length : end) - at > MAX_HEAD_BYTES)
      throw new MalformedAnswerError(`the head of the answer is longer than ${MAX_HEAD_BYTES} bytes`);
    if (end === -1) return undefined;
    const head = this.#readHead(bytes.toString('latin1', at, end));
    const next = end + 4;
    // 1xx: the answer itself comes later.
    if (head.status < 200) {
      if (head.status === 101) throw new MalformedAnswerError('the answer changes the protocol');
      if (++this.#informing > MAX_INFORMING)
        throw new MalformedAnswerError(`more than ${MAX_INFORMING} responses of status 1xx came before the final one`);
      return next;
    }
    this.status = head.status;
    this.isReusable = head.persistent;
    this.keepAliveMs = head.keepAliveMs;
    this.#beginBody(head);
    // The usual answer has come in one piece: no copy of its body is made.
    if (this.#phase === 'length' && bytes.length - next === this.#left && this.#left <= MAX_ANSWER_BYTES) {
      this.body = bytes.toString('utf8', next, bytes.length);
      this.#phase = 'complete';
      return bytes.length;
    }
    return next;
  }

  #readHead(text: string): Head {
    if (this.#head !== undefined && this.#headText === text) return this.#head;
    this.#head = readHead(text);
    this.#headText = text;
    return this.#head;
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
    // A size, then extensions that mean nothing to us.
    const size = /^([0-9a-f]{1,12})[\t ]*(?:;.*)?$/i.exec(line)?.[1];
    if (size === undefined) throw new MalformedAnswerError('the answer has a chunk without a size');
    if (++this.#chunks > MAX_CHUNKS)
      throw new MalformedAnswerError(`the response comes in more than ${MAX_CHUNKS} chunks`);
    this.#left = Number.parseInt(size, 16);
    this.#phase = this.#left === 0 ? 'trailer' : 'chunk';
    return at + line.length + 2;
  }

  #takeChunkEnd(bytes: Buffer, at: number): number | undefined {
    const line = this.#line(bytes, at);
    if (line === undefined) return undefined;
    if (line !== '') throw new MalformedAnswerError('the answer has a chunk that is longer than its size');
    this.#phase = 'chunk-line';
    return at + 2;
  }

  #takeTrailer(bytes: Buffer, at: number): number | undefined {
    const line = this.#line(bytes, at);
    if (line === undefined) return undefined;
    if (AMBIGUOUS.test(line)) throw new MalformedAnswerError('the answer has a trailer that does not end with CR LF');
    if (line !== '' && !FIELD.test(line))
      throw new MalformedAnswerError('the answer has a trailer that is not a header field');
    this.#trailerBytes += line.length + 2;
    if (this.#trailerBytes > MAX_TRAILER_BYTES)
      throw new MalformedAnswerError(`the trailers of the response are longer than ${MAX_TRAILER_BYTES} bytes`);
    if (line === '') this.#finish();
    return at + line.length + 2;
  }

  /** A line without its end. */
  #line(bytes: Buffer, at: number): string | undefined {
    const end = bytes.indexOf('\r\n', at, 'latin1');
    if ((end === -1 ? bytes.length : end) - at > MAX_CHUNK_LINE_BYTES)
      throw new MalformedAnswerError(`the answer has a line longer than ${MAX_CHUNK_LINE_BYTES} bytes in its body`);
    return end === -1 ? undefined : bytes.toString('latin1', at, end);
  }

  #keep(bytes: Buffer, at: number, end: number): void {
    const kept = Math.min(MAX_ANSWER_BYTES - this.#kept, end - at);
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

const tooLong = (): MalformedAnswerError =>
  new MalformedAnswerError(`the response is longer than ${MAX_RESPONSE_BYTES} bytes`);

interface Head {
  readonly status: number;
  readonly length: number | undefined;
  readonly chunked: boolean;
  readonly persistent: boolean;
  readonly keepAliveMs: number | undefined;
}

const STATUS_LINE = /^HTTP\/1\.([01]) ([1-5]\d\d)(?:[ \r]|$)/;
const FIELD = /^([!#$%&'*+\-.^_`|~0-9A-Za-z]+):(.*)$/;
/** Ends of lines that some recipients see and others do not. */
const AMBIGUOUS = /\r(?!\n)|(?<!\r)\n|\0/;

/** Reads the fields that say where the answer ends and whether the connection stays; all others are skipped. */
function readHead(text: string): Head {
  const [, minor, status = ''] = STATUS_LINE.exec(text) ?? [];
  if (minor === undefined) throw new MalformedAnswerError('the answer does not begin with the status line of HTTP/1.1');
  if (AMBIGUOUS.test(text))
    throw new MalformedAnswerError('the head of the answer has a line that does not end with CR LF');
  let length: number | undefined;
  let codings: string | undefined;
  let connection = '';
  let keepAliveMs: number | undefined;
  for (const line of text.split('\r\n').slice(1)) {
    const [, name, rest = ''] = FIELD.exec(line) ?? [];
    if (name === undefined)
      throw new MalformedAnswerError('the head of the answer has a line that is not a header field');
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
        // The words that decide could stand in it, unread.
        if (value !== '' && value.toLowerCase() !== 'identity')
          throw new MalformedAnswerError('the answer is compressed, which was not asked for');
        break;
    }
  }
  const chunked = codings !== undefined;
  if (chunked && length !== undefined)
    throw new MalformedAnswerError('the answer has both a Content-Length and a Transfer-Encoding');
  if (chunked && codings !== 'chunked')
    throw new MalformedAnswerError('the answer has a Transfer-Encoding other than chunked');
  // A body where none belongs may still come, and HTTP/1.0 has no chunks: what follows cannot be trusted.
  const dubious = (status === '204' && (chunked || (length ?? 0) > 0)) || (chunked && minor === '0');
  return {
    status: Number(status),
    length,
    chunked,
    persistent: !dubious && persists(connection, minor === '1'),
    keepAliveMs,
  };
}

/** Without the blanks and tabs around it. Not by a pattern: those that can say it take time that grows with the square of a run of blanks. */
function trimmed(text: string): string {
  let [from, to] = [0, text.length];
  while (from < to && isBlank(text[from])) from++;
  while (from < to && isBlank(text[to - 1])) to--;
  return text.slice(from, to);
}

const isBlank = (character: string | undefined): boolean => character === ' ' || character === '\t';

function lengthOf(value: string, before: number | undefined): number {
  if (!/^\d{1,15}$/.test(value)) throw new MalformedAnswerError('the Content-Length of the answer is not a number');
  const length = Number(value);
  if (before !== undefined && before !== length)
    throw new MalformedAnswerError('the answer has two different Content-Lengths');
  return length;
}

/** `connection`: the words of all `Connection` headers, with a comma before each. */
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
