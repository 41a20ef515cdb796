import * as diagnostics from 'node:diagnostics_channel';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { NodeConnections } from '../src/http/node-connections.ts';
import { PlainConnections } from '../src/http/plain-connections.ts';
import { jsonReply, NO_CONTENT, type Reply } from '../src/http/reply.ts';
import { get, Line, PLAIN, post, RARE, roundTrip } from './support/line.ts';
import { BIG, Slow, SmallServer } from './support/small-server.ts';

interface Sent {
  readonly bytes: string;
  /** Whether its response has a body. */
  readonly hasBody: boolean;
  /** Where it is cut in two; the second half is sent at once. */
  readonly cutAt: number;
  /** Whether it is sent after all earlier responses, and nothing follows before its response. */
  readonly alone: boolean;
}

/** What leaves the connection open and usable. */
const HARMLESS = ['Accept: */*\r\n', 'Connection: keep-alive\r\n', 'Content-Type: text/plain; charset=latin1\r\n'];
const FIELDS = [
  ...HARMLESS,
  'connection: Keep-Alive \r\n',
  'Connection: close\r\n',
  'Proxy-Connection: close\r\n',
  'Origin: http://h\r\n',
  'Origin: http://evil.example\r\n',
  'Sec-Fetch-Site: cross-site\r\n',
  'Expect: 100-continue\r\n',
  'X-Odd: \xe9\r\n',
  'X Y: 1\r\n',
  'Host: other\r\n',
];
const METHODS = ['GET', 'POST', 'PUT', 'DELETE'];
const PATHS = ['/echo', '/echo?x=%C3%A9', '/any/a', '/any/%', '/nothing', '/none'];

/** Requests after any of which the next one may be sent at once. */
const harmless = fc.record({
  method: fc.constantFrom(...METHODS),
  path: fc.constantFrom(...PATHS),
  fields: fc.subarray(HARMLESS),
  length: fc.constant('right' as const),
  alone: fc.boolean(),
});
/**
 * Any request, valid or not. These are sent alone: Node's response to an invalid one depends on
 * whether another response is in progress, and closing may lose the response when more data comes.
 */
const any = fc.record({
  method: fc.constantFrom(...METHODS, 'HEAD', 'PATCH', 'get'),
  path: fc.constantFrom(...PATHS, '*', '/any/a b', 'http://h/any/a'),
  fields: fc.subarray(FIELDS, { maxLength: 2 }),
  length: fc.constantFrom('right', 'none', 'twice', 'wrong', 'chunked'),
  alone: fc.constant(true),
});
interface Parts {
  readonly method: string;
  readonly path: string;
  readonly fields: readonly string[];
  readonly length: 'right' | 'none' | 'twice' | 'wrong' | 'chunked';
  readonly alone: boolean;
}
const sentOf = (request: fc.Arbitrary<Parts>): fc.Arbitrary<Sent> =>
  fc
    .record({
      request,
      body: fc.constantFrom('', '{}', '{"a":1}', '\xef\xbb\xbf{}', '\xff', 'x'.repeat(1_000), 'x'.repeat(1_001)),
      cutAt: fc.oneof(fc.constant(0), fc.nat(1_200)),
    })
    .map(({ request: { method, path, fields, length, alone }, body, cutAt }) => {
      const head = `${method} ${path} HTTP/1.1\r\nHost: h\r\n${fields.join('')}`;
      return { bytes: head + framed(body, length), hasBody: method !== 'HEAD', cutAt, alone };
    });

const requests = sentOf(fc.oneof<fc.Arbitrary<Parts>[]>(harmless, any));

/** The end of a head, and the body. */
function framed(body: string, length: 'right' | 'none' | 'twice' | 'wrong' | 'chunked'): string {
  const size = `Content-Length: ${body.length}\r\n`;
  switch (length) {
    case 'right':
      return `${size}\r\n${body}`;
    case 'none':
      return '\r\n';
    case 'twice':
      return `${size}${size}\r\n${body}`;
    case 'wrong':
      return 'Content-Length: -1\r\n\r\n';
    case 'chunked':
      return `Transfer-Encoding: chunked\r\n\r\n${body === '' ? '' : `${body.length.toString(16)}\r\n${body}\r\n`}0\r\n\r\n`;
  }
}

/**
 * The responses to these requests over a connection whose first request was `first`, without the
 * response to `first`.
 */
async function responses(port: number, first: string, sent: readonly Sent[]): Promise<string> {
  const line = new Line(port);
  line.send(first);
  await line.response();
  let all = '';
  const expected: boolean[] = [];
  const awaitResponses = async () => {
    for (const hasBody of expected.splice(0)) all += await line.response(hasBody);
  };
  for (const { bytes, hasBody, cutAt, alone } of sent) {
    if (alone) await awaitResponses();
    line.send(bytes.slice(0, cutAt));
    line.send(bytes.slice(cutAt));
    expected.push(hasBody);
    if (alone) await awaitResponses();
  }
  await awaitResponses();
  line.send(get('/any/last', 'Connection: close\r\n'));
  return all + (await line.rest());
}

describe('a request over a connection', () => {
  it('receives the response of Node, for any content and in any fragmentation', async () => {
    await using server = await SmallServer.start();
    await fc.assert(
      fc.asyncProperty(fc.array(requests, { minLength: 1, maxLength: 4 }), async (sent) => {
        const [ours, nodes] = await Promise.all([
          responses(server.port, PLAIN, sent),
          responses(server.port, RARE, sent),
        ]);
        expect(ours).toBe(nodes);
      }),
      { numRuns: 300 },
    );
  });

  it('receives the response of a server of node:http without this package', async () => {
    const takeAll = vi.spyOn(NodeConnections, 'takeAll').mockReturnValue(undefined);
    await using nodeAlone = await SmallServer.start(undefined, 'node');
    expect(takeAll).toHaveBeenCalledOnce();
    takeAll.mockRestore();
    await using server = await SmallServer.start();
    // A rejected request ends the connection, and data sent after it may lose the response: not
    // compared.
    await fc.assert(
      fc.asyncProperty(fc.array(sentOf(harmless), { minLength: 1, maxLength: 4 }), async (sent) => {
        const [plain, paced, nodes] = await Promise.all([
          responses(server.port, PLAIN, sent),
          responses(server.port, RARE, sent),
          responses(nodeAlone.port, PLAIN, sent),
        ]);
        expect(plain).toBe(nodes);
        expect(paced).toBe(nodes);
      }),
      { numRuns: 200 },
    );
  });

  it('receives its response in order when it comes before the response to an earlier one', async () => {
    const slow = new Slow();
    await using server = await SmallServer.start(slow.run);
    const line = new Line(server.port);
    line.send(post('/slow', '1'));
    await slow.requested;
    const next = post('/echo', '2');
    line.send(next.slice(0, 30));
    line.send(next.slice(30) + post('/echo', '3'));
    await roundTrip(server.port);
    slow.respond(jsonReply(200, 1));
    expect(await line.response()).toMatch(/\r\n\r\n1$/);
    expect(await line.response()).toContain('{"body":"2"');
    expect(await line.response()).toContain('{"body":"3"');
    line.destroy();
  });

  it.each([
    ['this package', PLAIN, 'own'],
    ['node:http', RARE, 'own'],
    ['node:http alone', PLAIN, 'node'],
  ] as const)(
    'waits while an earlier request is served, however many come at once: read by %s',
    async (_, first, reader) => {
      let running = 0;
      let most = 0;
      let requested = 0;
      const slow = async (): Promise<Reply> => {
        most = Math.max(most, ++running);
        requested++;
        await new Promise((resolve) => setImmediate(resolve));
        running--;
        return jsonReply(200, requested);
      };
      await using server = await SmallServer.start(slow, reader);
      const line = new Line(server.port);
      line.send(first);
      await line.response();
      line.send(post('/slow', '').repeat(1_500));
      for (let number = 1; number <= 1_500; number++)
        expect(await line.response()).toMatch(new RegExp(`\r\n\r\n${number}$`));
      expect([most, requested]).toEqual([1, 1_500]);
      line.destroy();
    },
  );

  it('is not even read while an earlier request is served', async () => {
    const slow = new Slow();
    let parsed = 0;
    const onRequest = (): void => void parsed++;
    diagnostics.subscribe('http.server.request.start', onRequest);
    try {
      await using server = await SmallServer.start(slow.run);
      const line = new Line(server.port);
      line.send(RARE);
      await line.response();
      parsed = 0;
      // The first one ends in the piece in which a thousand others begin.
      line.send(post('/slow', '1') + get('/any/x').repeat(1_000));
      await slow.requested;
      await roundTrip(server.port);
      expect(parsed).toBeLessThanOrEqual(2);
      slow.respond(jsonReply(200, 1));
      for (let responded = 0; responded < 1_001; responded++) await line.response();
      expect(parsed).toBe(1_001);
      line.destroy();
    } finally {
      diagnostics.unsubscribe('http.server.request.start', onRequest);
    }
  });

  it('waits while its sender does not read the response', async () => {
    await using server = await SmallServer.start();
    const line = new Line(server.port);
    line.pause();
    line.send(get('/big'));
    await vi.waitUntil(() => server.requested.includes('/big'), { timeout: 10_000 });
    line.send(post('/echo', '2'));
    await roundTrip(server.port);
    expect(server.requested).not.toContain('/echo');
    line.resume();
    expect((await line.response())?.length).toBeGreaterThan(BIG);
    expect(await line.response()).toContain('{"body":"2"');
    line.destroy();
  });

  it('is aborted when its sender disconnects, and its handler is notified', async () => {
    const slow = new Slow();
    await using server = await SmallServer.start(slow.run);
    const line = new Line(server.port);
    line.send(post('/slow', '1'));
    const { context } = await slow.requested;
    const aborted = new Promise((resolve) => context.signal?.addEventListener('abort', resolve));
    line.destroy();
    await expect(aborted).resolves.toBeInstanceOf(Event);
    slow.respond(jsonReply(200, 1));
    await roundTrip(server.port);
  });
});

describe('a connection', () => {
  it('is handed over to Node at the first request that is not a plain one', async () => {
    const taken: string[] = [];
    const node = createServer((request, response) => {
      taken.push(`node ${request.url}`);
      response.end();
    });
    const plain = new PlainConnections(node, (exchange) => {
      taken.push(`plain ${exchange.url}`);
      void exchange.send(NO_CONTENT, false);
    });
    await once(node.listen(0, '127.0.0.1'), 'listening');
    const line = new Line((node.address() as AddressInfo).port);
    for (const bytes of [get('/1'), get('/2'), get('/3', 'X: \xe9\r\n'), get('/4')]) {
      line.send(bytes);
      await line.response();
    }
    expect(taken).toEqual(['plain /1', 'plain /2', 'node /3', 'node /4']);
    line.destroy();
    plain.closeAll();
    node.close();
  });

  it('is closed when no request comes over it for too long: 10 s before the first one, 75 s after a response', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'performance'] });
    try {
      await using server = await SmallServer.start();
      const [silent, used] = [new Line(server.port), new Line(server.port)];
      used.send(PLAIN);
      await used.response();
      await roundTrip(server.port);
      vi.advanceTimersByTime(15_000);
      await silent.closed;
      used.send(PLAIN);
      expect(await used.response()).toMatch(/^HTTP\/1\.1 200 /);
      vi.advanceTimersByTime(70_000);
      used.send(PLAIN);
      expect(await used.response()).toMatch(/^HTTP\/1\.1 200 /);
      vi.advanceTimersByTime(80_000);
      await used.closed;
    } finally {
      vi.useRealTimers();
    }
  });

  it('stays open while its request is served, however long that takes', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'performance'] });
    try {
      const slow = new Slow();
      await using server = await SmallServer.start(slow.run);
      const line = new Line(server.port);
      line.send(post('/slow', '1'));
      await slow.requested;
      vi.advanceTimersByTime(1_000_000);
      slow.respond(jsonReply(200, 1));
      expect(await line.response()).toMatch(/\r\n\r\n1$/);
      line.destroy();
    } finally {
      vi.useRealTimers();
    }
  });

  it('ends with the server: at once when it is idle, after its response otherwise', async () => {
    const slow = new Slow();
    const server = await SmallServer.start(slow.run);
    const [idle, used] = [new Line(server.port), new Line(server.port)];
    idle.send(PLAIN);
    await idle.response();
    used.send(post('/slow', '1'));
    await slow.requested;
    const closing = server.close();
    expect(await idle.rest()).toBe('');
    slow.respond(jsonReply(200, 1));
    expect(await used.rest()).toMatch(/\r\nConnection: close\r\n\r\n1$/);
    await closing;
  });

  it('accepts no request after the response that ends it', async () => {
    const server = await SmallServer.start();
    const [line, other] = [new Line(server.port), new Line(server.port)];
    for (const each of [line, other]) {
      each.send(PLAIN);
      await each.response();
    }
    server.stopAccepting();
    line.pause();
    line.send(get('/big'));
    await vi.waitUntil(() => server.requested.includes('/big'), { timeout: 10_000 });
    line.send(post('/echo', '1'));
    other.send(PLAIN);
    await other.closed;
    line.resume();
    await line.closed;
    expect(server.requested).not.toContain('/echo');
    await server.close();
  });

  it('does not delay the end of the server when its request never receives a response', async () => {
    const slow = new Slow();
    const server = await SmallServer.start(slow.run);
    const line = new Line(server.port);
    line.send(post('/slow', '1'));
    await slow.requested;
    await server.close();
    expect(await line.rest()).toBe('');
  });
});
