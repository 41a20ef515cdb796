import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ResponseParser, MalformedResponseError, MAX_KEPT_BYTES } from '../../src/http1/response-parser.ts';

interface Read {
  readonly status: number;
  readonly body: string;
  readonly isReusable: boolean;
  readonly isComplete: boolean;
}

/**
 * The result of parsing a response that comes in these pieces; `ends`: the connection ends after
 * them.
 */
function read(pieces: readonly (string | Uint8Array)[], ends = false): Read {
  const parser = new ResponseParser();
  for (const piece of pieces) {
    // Bytes of a buffer that is used again at once, as a connection's is.
    const bytes = typeof piece === 'string' ? Buffer.from(piece, 'latin1') : Buffer.from(piece);
    parser.push(bytes);
    bytes.fill('!');
  }
  if (ends) parser.end();
  const { status, body, isReusable, isComplete } = parser;
  return { status, body, isReusable, isComplete };
}

const COMPLETE = { status: 200, body: 'done', isReusable: true, isComplete: true };

describe('a response', () => {
  it.each([
    ['with a length', 'HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ndone'],
    ['without a reason phrase', 'HTTP/1.1 200 \r\ncontent-length:4\r\n\r\ndone'],
    ['without even the blank before it', 'HTTP/1.1 200\r\ncontent-length: 4 \r\n\r\ndone'],
    ['with blanks and tabs around the length', 'HTTP/1.1 200 OK\r\nContent-Length: \t 4 \t\r\n\r\ndone'],
    ['with nothing but blanks in a field', 'HTTP/1.1 200 OK\r\nX: \t \r\nContent-Length: 4\r\n\r\ndone'],
    ['with the same length twice', 'HTTP/1.1 200 OK\r\nContent-Length: 4\r\nContent-Length: 4\r\n\r\ndone'],
    ['in chunks', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n1\r\nd\r\n03;x="y"\r\none\r\n0\r\n\r\n'],
    ['with trailers', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4 \r\ndone\r\n0\r\nA: b\r\nC: d\r\n\r\n'],
    [
      'after others that only inform',
      'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ndone',
    ],
    [
      'of HTTP/1.0 that keeps the connection',
      'HTTP/1.0 200 OK\r\nConnection: Keep-Alive\r\nContent-Length: 4\r\n\r\ndone',
    ],
    [
      'with headers of any kind',
      'HTTP/1.1 200 OK\r\nX-Empty:\r\nX-Colon: a:b:c\r\nX-Latin: \xfc\r\nContent-Length: 4\r\n\r\ndone',
    ],
  ])('%s is read', (_, response) => {
    expect(read([response])).toEqual(COMPLETE);
  });

  it.each([
    ['says so', 'HTTP/1.1 200 OK\r\nConnection: foo, Close\r\nContent-Length: 4\r\n\r\ndone'],
    [
      'says so in a second header',
      'HTTP/1.1 200 OK\r\nConnection: foo\r\nConnection: close\r\nContent-Length: 4\r\n\r\ndone',
    ],
    ['is of HTTP/1.0', 'HTTP/1.0 200 OK\r\nContent-Length: 4\r\n\r\ndone'],
    [
      'is of HTTP/1.0 and comes in chunks all the same',
      'HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n4\r\ndone\r\n0\r\n\r\n',
    ],
  ])('ends its connection when it %s', (_, response) => {
    expect(read([response])).toEqual({ ...COMPLETE, isReusable: false });
  });

  it('without a length lasts until the connection ends', () => {
    const response = 'HTTP/1.1 200 OK\r\n\r\ndone';
    expect(read([response]).isComplete).toBe(false);
    expect(read([response], true)).toEqual({ ...COMPLETE, isReusable: false });
  });

  it.each(['HTTP/1.1 204 No Content\r\n\r\n', 'HTTP/1.1 304 Not Modified\r\nContent-Length: 4\r\n\r\n'])(
    'that never has a body is complete with its head: %j',
    (response) => {
      expect(read([response])).toMatchObject({ body: '', isReusable: true, isComplete: true });
    },
  );

  it('that never has a body but announces one ends its connection', () => {
    expect(read(['HTTP/1.1 204 No Content\r\nContent-Length: 4\r\n\r\n'])).toMatchObject({
      isReusable: false,
      isComplete: true,
    });
  });

  it.each([
    'HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ndon',
    'HTTP/1.1 200 OK\r\nContent-Length: 4\r\n',
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\ndone\r\n0\r\n',
    'HTTP/1.1 100 Continue\r\n\r\n',
    '',
  ])('that broke off is not complete: %j', (response) => {
    expect(read([response], true).isComplete).toBe(false);
  });

  it.each([
    ['what?\r\n\r\n', 'status line'],
    ['HTTP/2 200 OK\r\n\r\n', 'status line'],
    ['HTTP/1.1 700 OK\r\n\r\n', 'status line'],
    ['HTTP/1.1 101 Switching Protocols\r\n\r\n', 'changes the protocol'],
    ['HTTP/1.1 200 OK\r\nContent-Length: 4\r\nContent-Length: 5\r\n\r\n', 'two different'],
    ['HTTP/1.1 200 OK\r\nContent-Length: 4, 4\r\n\r\n', 'not a number'],
    ['HTTP/1.1 200 OK\r\nContent-Length: +4\r\n\r\n', 'not a number'],
    ['HTTP/1.1 200 OK\r\nContent-Length:\r\n\r\n', 'not a number'],
    ['HTTP/1.1 200 OK\r\nContent-Length : 4\r\n\r\n', 'not a header field'],
    ['HTTP/1.1 200 OK\r\n Content-Length: 4\r\n\r\n', 'not a header field'],
    ['HTTP/1.1 200 OK\r\nContent-Length\r\n\r\n', 'not a header field'],
    ['HTTP/1.1 200 OK\r\nContent-Length\x0b: 4\r\n\r\n', 'not a header field'],
    ['HTTP/1.1 200 OK\r\nContent-Length: \xa04\r\n\r\n', 'not a number'],
    ['HTTP/1.1 200 OK\r\nTransfer-Encoding: \x0bchunked\r\n\r\n', 'other than chunked'],
    ['HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nA: b\nC: d\r\n\r\n', 'trailer'],
    ['HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\n', 'compressed'],
    ['HTTP/1.1 200 OK\r\n: 4\r\n\r\n', 'not a header field'],
    ['HTTP/1.1 200 OK\r\nA: b\nContent-Length: 4\r\n\r\n', 'CR LF'],
    ['HTTP/1.1 200 OK\r\nA: b\rContent-Length: 4\r\n\r\n', 'CR LF'],
    ['HTTP/1.1 200 OK\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n', 'both'],
    ['HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n', 'other than chunked'],
    ['HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n', 'other than chunked'],
    ['HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n', 'without a size'],
    ['HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n', 'without a size'],
    ['HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\ndone\r\n', 'longer than its size'],
    ['HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ndone more', 'more bytes came'],
    ['HTTP/1.1 204 No Content\r\n\r\nHTTP/1.1 200 OK\r\n\r\n', 'more bytes came'],
    [`HTTP/1.1 200 OK\r\nA: ${'b'.repeat(16 * 1024)}\r\n\r\n`, 'longer than 16384 bytes'],
    [`HTTP/1.1 200 OK\r\nA: ${'b'.repeat(16 * 1024)}`, 'longer than 16384 bytes'],
    [`HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4;${'x'.repeat(1024)}`, 'line longer than'],
  ])('that could be read in two ways is rejected: %j', (response, reason) => {
    expect(() => read([response])).toThrow(MalformedResponseError);
    expect(() => read([response])).toThrow(reason);
  });

  it.each(['Content-Length: 70000', 'Transfer-Encoding: chunked'])(
    'that is too long is read to its end, and kept as far as its bound: %s',
    (header) => {
      const long = 'x'.repeat(70_000);
      const body = header.startsWith('T') ? `${(70_000).toString(16)}\r\n${long}\r\n0\r\n\r\n` : long;
      const parser = new ResponseParser();
      parser.push(Buffer.from(`HTTP/1.1 200 OK\r\n${header}\r\n\r\n${body}`));
      expect(parser).toMatchObject({ isComplete: true, isReusable: true });
      expect(parser.response.isTruncated).toBe(true);
      expect(parser.body).toHaveLength(MAX_KEPT_BYTES);
    },
  );

  it.each([
    ['1xx', 'HTTP/1.1 103 Early Hints\r\n\r\n', 'more than 16 responses of status 1xx'],
    ['fields of its head', `X: ${'y'.repeat(60)}\r\n`, 'head of the response is longer than 16384 bytes'],
    ['chunks', '1\r\nx\r\n', 'more than 65536 chunks'],
    ['long chunk extensions', `1;${'y'.repeat(1_000)}\r\nx\r\n`, 'longer than 16777216 bytes'],
    ['trailers', `X: ${'y'.repeat(60)}\r\n`, 'trailers of the response are longer than 16384 bytes'],
    ['bytes until its connection ends', 'y'.repeat(60), 'longer than 16777216 bytes'],
  ])('without an end is not read on: %s', (kind, repeated, reason) => {
    const heads: Readonly<Record<string, string>> = {
      '1xx': '',
      'fields of its head': 'HTTP/1.1 200 OK\r\n',
      chunks: 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n',
      'long chunk extensions': 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n',
      trailers: 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n',
      'bytes until its connection ends': 'HTTP/1.1 200 OK\r\n\r\n',
    };
    const parser = new ResponseParser();
    parser.push(Buffer.from(heads[kind] ?? ''));
    const pieces = Buffer.from(repeated.repeat(1_000));
    expect(() => {
      for (let sent = 0; sent < 64 * 1024 * 1024; sent += pieces.length) parser.push(pieces);
    }).toThrow(reason);
  });

  it('that announces more than the limit is rejected with its head', () => {
    expect(() => read(['HTTP/1.1 200 OK\r\nContent-Length: 16777217\r\n\r\n'])).toThrow('longer than 16777216 bytes');
  });

  it('reports how long its connection is kept', () => {
    const parser = new ResponseParser();
    parser.push(Buffer.from('HTTP/1.1 204 No Content\r\nKeep-Alive: max=100, timeout=5\r\n\r\n'));
    expect(parser.keepAliveMs).toBe(5_000);
    parser.reset();
    parser.push(Buffer.from('HTTP/1.1 204 No Content\r\n\r\n'));
    expect(parser.keepAliveMs).toBeUndefined();
  });

  it('is read alike however often its head came before, in whatever pieces', () => {
    const head = 'HTTP/1.1 200 OK\r\nContent-Length: 4\r\nKeep-Alive: timeout=9\r\n\r\n';
    const other = 'HTTP/1.1 409 No\r\nContent-Length: 2\r\n\r\n';
    const length = head.length + 4;
    const response = fc.record({ isOther: fc.boolean(), cuts: fc.array(fc.nat(length), { maxLength: 3 }) });
    fc.assert(
      fc.property(fc.array(response, { maxLength: 12 }), (responses) => {
        const parser = new ResponseParser();
        for (const [i, { isOther, cuts }] of responses.entries()) {
          parser.reset();
          const whole = Buffer.from(isOther ? `${other}n${i % 10}` : `${head}ok ${i % 10}`);
          const sorted = [0, ...cuts.map((cut) => Math.min(cut, whole.length)).toSorted((a, b) => a - b), whole.length];
          for (const [at, end] of sorted.slice(1).entries()) parser.push(Buffer.from(whole.subarray(sorted[at], end)));
          const { status, body, keepAliveMs, isComplete } = parser;
          expect({ status, body, keepAliveMs, isComplete }).toEqual({
            status: isOther ? 409 : 200,
            body: isOther ? `n${i % 10}` : `ok ${i % 10}`,
            keepAliveMs: isOther ? undefined : 9_000,
            isComplete: true,
          });
        }
      }),
    );
  });

  it.each([
    ['with more bytes than its length', 'HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ndone!'],
    ['with a field before the end of the known head', 'HTTP/1.1 200 OK\r\nContent-Length: 4\r\nA : b\r\n\r\ndone'],
  ])('%s is rejected after three of the same head', (_, rejected) => {
    const parser = new ResponseParser();
    for (let i = 0; i < 3; i++) {
      parser.push(Buffer.from('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ndone'));
      expect(parser.isComplete).toBe(true);
      parser.reset();
    }
    expect(() => parser.push(Buffer.from(rejected))).toThrow(MalformedResponseError);
  });

  it('is the same in whatever pieces it comes', () => {
    const chunk = fc.uint8Array({ maxLength: 40 });
    const responses = fc.tuple(
      fc.boolean(),
      fc.constantFrom(200, 202, 409, 500),
      fc.array(chunk, { maxLength: 5 }),
      fc.boolean(),
    );
    const cuts = fc.array(fc.nat(400), { maxLength: 8 });
    fc.assert(
      fc.property(responses, cuts, ([isChunked, status, parts, informs], at) => {
        const body = Buffer.concat(parts);
        const head = `${informs ? 'HTTP/1.1 103 Early\r\n\r\n' : ''}HTTP/1.1 ${status} X\r\nDate: now\r\n`;
        const chunks = parts
          .filter((part) => part.length > 0)
          .flatMap((part) => [Buffer.from(`${part.length.toString(16)}\r\n`), part, Buffer.from('\r\n')]);
        const whole = isChunked
          ? Buffer.concat([
              Buffer.from(`${head}Transfer-Encoding: chunked\r\n\r\n`),
              ...chunks,
              Buffer.from('0\r\n\r\n'),
            ])
          : Buffer.concat([Buffer.from(`${head}Content-Length: ${body.length}\r\n\r\n`), body]);
        const sorted = [0, ...at.map((cut) => Math.min(cut, whole.length)).toSorted((a, b) => a - b), whole.length];
        const pieces = sorted.slice(1).map((end, i) => whole.subarray(sorted[i], end));
        expect(read(pieces)).toEqual({ status, body: body.toString(), isReusable: true, isComplete: true });
      }),
    );
  });
});
