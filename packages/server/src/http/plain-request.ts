import type { CallField } from './exchange.ts';

/** A request that was received in one piece. */
export interface PlainRequest {
  readonly method: string;
  /** Path and query, undecoded. */
  readonly url: string;
  readonly host: string;
  /** Absent if there is none of these fields. */
  readonly fields?: Partial<Readonly<Record<CallField, string>>> | undefined;
  /** The request line and the fields, each with its CR LF. */
  readonly head: string;
  readonly body: Buffer;
}

const HEAD_END = Buffer.from('\r\n\r\n');
/** Longer heads are read by `node:http`, which enforces the limit. */
const MAX_HEAD_BYTES = 8 * 1024;

/**
 * Request line and fields, each with its CR LF: no folded lines, no blank before a colon, only
 * visible ASCII, blanks and tabs in a value.
 */
const HEAD = /^(GET|POST|PUT|DELETE) (\/[!-~]*) HTTP\/1\.1\r\n(?:[!#$%&'*+.^_`|~\dA-Za-z-]+:[\t -~]*\r\n)+$/;

/**
 * Fields that determine whether and how a request is read, or whether it is rejected, and those
 * that describe the call.
 */
const DECIDING_FIELD =
  /\r\n(host|content-length|(?:proxy-)?connection|transfer-encoding|expect|upgrade|origin|sec-fetch-site|user-agent|traceparent|tracestate|request-timeout-ms|authorization|holdfast-namespace):[\t ]*([\t -~]*)/gi;

/** Heads up to this length are kept, which bounds the memory of a connection that is idle. */
const LONGEST_KEPT_HEAD = 1024;

/**
 * Reads the requests of one connection. A client usually sends the same head with every request,
 * except for the length of the body: the last head is kept in parsed form.
 */
export class PlainRequestReader {
  #last: Head | undefined;

  /**
   * Parses a piece of input that is exactly one request of the usual kind: HTTP/1.1 with a host, a
   * body of known length or none, on a connection that stays open. Returns undefined for everything
   * else (invalid, rare, incomplete, several requests); a complete HTTP server must then read the
   * input.
   */
  read(piece: Buffer): PlainRequest | undefined {
    const headEnd = piece.indexOf(HEAD_END);
    if (headEnd === -1 || headEnd > MAX_HEAD_BYTES) return undefined;
    const head = this.#head(piece.toString('latin1', 0, headEnd + 2));
    const bodyStart = headEnd + HEAD_END.length;
    if (head === undefined || bodyStart + head.bodyLength !== piece.length) return undefined;
    const { method, url, host, fields, text } = head;
    return { method, url, host, fields, head: text, body: piece.subarray(bodyStart) };
  }

  #head(text: string): Head | undefined {
    if (this.#last?.text === text) return this.#last;
    const head = readHead(text);
    if (text.length <= LONGEST_KEPT_HEAD) this.#last = head;
    return head;
  }
}

/** `PlainRequestReader` for a single request. */
export const readPlainRequest = (piece: Buffer): PlainRequest | undefined => new PlainRequestReader().read(piece);

/** The values of a header field, in the order of the request. Few requests need this call. */
export function valuesOf({ head }: PlainRequest, name: string): readonly string[] {
  return head
    .split('\r\n')
    .slice(1)
    .filter((line) => line.length > name.length && line[name.length] === ':')
    .filter((line) => line.slice(0, name.length).toLowerCase() === name)
    .map((line) => line.slice(name.length + 1).trim());
}

type Fields = Pick<Head, 'host' | 'bodyLength' | 'fields'>;

interface Head {
  readonly text: string;
  readonly method: string;
  readonly url: string;
  readonly host: string;
  readonly bodyLength: number;
  readonly fields: Partial<Readonly<Record<CallField, string>>> | undefined;
}

/** Undefined if the head is not one of a plain request. */
function readHead(text: string): Head | undefined {
  const [, method, url] = HEAD.exec(text) ?? [];
  if (method === undefined || url === undefined) return undefined;
  const fields = fieldsOf(text);
  return fields === undefined ? undefined : { text, method, url, ...fields };
}

/**
 * The host, the length of the body and the fields that describe the call; undefined if a field
 * exceeds what a plain request may have.
 */
function fieldsOf(head: string): Fields | undefined {
  let host: string | undefined;
  let length: string | undefined;
  let call: Partial<Record<CallField, string>> | undefined;
  DECIDING_FIELD.lastIndex = 0;
  for (let field = DECIDING_FIELD.exec(head); field !== null; field = DECIDING_FIELD.exec(head)) {
    const [, name = '', value = ''] = field;
    const lowerCase = name.toLowerCase();
    switch (lowerCase) {
      case 'host':
        if (host !== undefined) return undefined;
        host = value.trimEnd();
        break;
      // The user agent of every browser begins with Mozilla.
      case 'user-agent':
        if (/^mozilla/i.test(value)) return undefined;
        break;
      case 'content-length':
        if (length !== undefined || !/^\d{1,9}$/.test(value)) return undefined;
        length = value;
        break;
      case 'connection':
        if (value.toLowerCase() !== 'keep-alive') return undefined;
        break;
      case 'traceparent':
      case 'tracestate':
      case 'request-timeout-ms':
      case 'authorization':
      case 'holdfast-namespace':
        // `node:http` knows which of several values count.
        if (call?.[lowerCase] !== undefined) return undefined;
        (call ??= {})[lowerCase] = value.trimEnd();
        break;
      default:
        return undefined;
    }
  }
  return host === undefined ? undefined : { host, bodyLength: Number(length ?? 0), fields: call };
}
