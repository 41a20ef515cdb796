import { describe, expect, it } from 'vitest';
import { PlainRequestReader, readPlainRequest } from '../src/http/plain-request.ts';

const request = (fields: string, body = '', line = 'POST /api/x?gid=1 HTTP/1.1') =>
  Buffer.from(`${line}\r\n${fields.replaceAll('\n', '\r\n')}\r\n\r\n${body}`, 'latin1');

describe('a plain request', () => {
  it.each([
    ['with a body', 'Host: a\nContent-Type: application/json\nContent-Length: 2', '{}'],
    ['without a length', 'Host: a', ''],
    ['with a length of 0', 'host: a:80\ncontent-length: 0', ''],
    ['over a connection that stays', 'Host: a\nConnection: Keep-Alive\nContent-Length: 1', '1'],
    ['whose fields repeat, are empty, or unknown', 'Host: a\nX: 1\nX:\nx-y.z~: \t"a"', ''],
  ])('%s is read', (_, fields, body) => {
    const read = readPlainRequest(request(fields, body));
    expect(read).toMatchObject({ method: 'POST', url: '/api/x?gid=1', host: expect.stringMatching(/^a(:80)?$/) });
    expect(read?.body.toString()).toBe(body);
  });

  it.each(['GET', 'POST', 'PUT', 'DELETE'])('is a %s', (method) => {
    expect(readPlainRequest(request('Host: a', '', `${method} / HTTP/1.1`))).toMatchObject({ method, url: '/' });
  });

  it('keeps the fields that describe the call', () => {
    const read = readPlainRequest(request('Host: a\nTraceParent: 00-x \ntracestate:a=1\nContent-Length: 0'));
    expect(read?.fields).toEqual({ traceparent: '00-x', tracestate: 'a=1' });
    expect(readPlainRequest(request('Host: a'))?.fields).toBeUndefined();
  });

  it('may have a body of any bytes', () => {
    const body = Buffer.from([0, 13, 10, 13, 10, 255]);
    const read = readPlainRequest(Buffer.concat([request('Host: a\nContent-Length: 6'), body]));
    expect(read?.body.equals(body)).toBe(true);
  });
});

describe('a plain request after others of its connection', () => {
  const heads = [
    'Host: a\nContent-Length: 2',
    'Host: b\nContent-Length: 2',
    'Host: a\nContent-Length: 3',
    'Host: a\nContent-Length: 2\ntraceparent: x',
    'Host: a\nContent-Length: 2\nConnection: close',
    'Host: a',
  ];

  it('is read as the first one is', () => {
    const pieces = heads.flatMap((head) => ['', '{}', '[]', '123'].map((body) => request(head, body)));
    for (const first of pieces)
      for (const second of pieces) {
        const reader = new PlainRequestReader();
        reader.read(first);
        expect(reader.read(second)).toEqual(readPlainRequest(second));
        expect(reader.read(second)).toEqual(readPlainRequest(second));
      }
  });

  it('is read with a long head, and with the head of the other method', () => {
    const reader = new PlainRequestReader();
    const long = request(`Host: a\nX: ${'x'.repeat(2_000)}\nContent-Length: 2`, '{}');
    for (const piece of [
      long,
      long,
      request('Host: a', '', 'GET /a HTTP/1.1'),
      request('Host: a', '', 'PUT /a HTTP/1.1'),
    ])
      expect(reader.read(piece)).toEqual(readPlainRequest(piece));
  });
});

describe('no plain request', () => {
  it.each([
    ['no host', 'Accept: */*'],
    ['two hosts', 'Host: a\nHost: a'],
    ['two lengths', 'Host: a\nContent-Length: 2\nContent-Length: 2'],
    ['a length that is no number', 'Host: a\nContent-Length: +2'],
    ['a length in hexadecimal', 'Host: a\nContent-Length: 0x2'],
    ['a list of lengths', 'Host: a\nContent-Length: 2, 2'],
    ['a length with a blank behind it', 'Host: a\nContent-Length: 2 '],
    ['a transfer coding', 'Host: a\nTransfer-Encoding: chunked'],
    ['a transfer coding beside a length', 'Host: a\nContent-Length: 2\ntransfer-encoding: identity'],
    ['a connection that ends', 'Host: a\nContent-Length: 2\nConnection: close'],
    ['a connection that ends, as said to a proxy', 'Host: a\nContent-Length: 2\nProxy-Connection: close'],
    ['more than one word on the connection', 'Host: a\nContent-Length: 2\nConnection: keep-alive, upgrade'],
    ['a protocol to change to', 'Host: a\nContent-Length: 2\nUpgrade: h2c'],
    ['a wait for 100', 'Host: a\nContent-Length: 2\nExpect: 100-continue'],
    ['the page it comes from', 'Host: a\nContent-Length: 2\nOrigin: http://a'],
    ['what a browser says of the page', 'Host: a\nContent-Length: 2\nSec-Fetch-Site: same-origin'],
    ['the name that all browsers have', 'Host: a\nContent-Length: 2\nUser-Agent: Mozilla/5.0 (X11)'],
    ['a blank before a colon', 'Host : a\nContent-Length: 2'],
    ['a folded line', 'Host: a\n b\nContent-Length: 2'],
    ['a line without a colon', 'Host: a\nnonsense\nContent-Length: 2'],
    ['an empty name', 'Host: a\n: b\nContent-Length: 2'],
    ['two parents in a trace', 'Host: a\ntraceparent: a\ntraceparent: b\nContent-Length: 2'],
    ['a byte beyond ASCII', 'Host: a\nX: \xe9\nContent-Length: 2'],
    ['a NUL', 'Host: a\nX: \0\nContent-Length: 2'],
    ['a bare CR', 'Host: a\nX: 1\rContent-Length: 9\nContent-Length: 2'],
    ['a head that is long', `Host: a\nX: ${'x'.repeat(8_192)}\nContent-Length: 2`],
  ])('has %s', (_, fields) => {
    expect(readPlainRequest(request(fields, '{}'))).toBeUndefined();
  });

  it.each([
    'HEAD / HTTP/1.1',
    'OPTIONS * HTTP/1.1',
    'post / HTTP/1.1',
    'GET / HTTP/1.0',
    'GET / HTTP/1.1 ',
    'GET  / HTTP/1.1',
    'GET http://a/ HTTP/1.1',
    'GET /a b HTTP/1.1',
    'GET /\x7f HTTP/1.1',
    'GET /\xe9 HTTP/1.1',
    ' GET / HTTP/1.1',
    '\r\nGET / HTTP/1.1',
  ])('begins with %j', (line) => {
    expect(readPlainRequest(request('Host: a', '', line))).toBeUndefined();
  });

  it('ends before its body does, or after it', () => {
    const whole = request('Host: a\nContent-Length: 2', '{}');
    expect(readPlainRequest(whole)).toBeDefined();
    for (let length = 0; length < whole.length; length++)
      expect(readPlainRequest(whole.subarray(0, length))).toBeUndefined();
    expect(readPlainRequest(Buffer.concat([whole, Buffer.from('G')]))).toBeUndefined();
  });

  it('ends its lines with a bare LF', () => {
    expect(readPlainRequest(Buffer.from('GET / HTTP/1.1\nHost: a\n\n'))).toBeUndefined();
    expect(readPlainRequest(Buffer.from('GET / HTTP/1.1\r\nHost: a\nX: b\r\n\r\n'))).toBeUndefined();
  });
});
