import { once } from 'node:events';
import { createServer } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import type { Exchange } from '../src/http/exchange.ts';
import { NodeConnections } from '../src/http/node-connections.ts';
import { NodeExchange } from '../src/http/node-exchange.ts';
import { PlainConnections } from '../src/http/plain-connections.ts';
import { bytesReply, NO_CONTENT, type Part, type Reply, streamReply, textReply } from '../src/http/reply.ts';
import { sendParts } from '../src/http/send-parts.ts';
import { SmallServer } from './support/small-server.ts';

const READERS = ['own', 'node'] as const;
const POST = 'POST /slow HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n';

/** A source of parts that the test delivers. */
class Source implements AsyncIterable<Part> {
  readonly #parts: Part[] = [];
  #arrived = (): void => {};
  #isOver = false;
  stopped = false;

  give(part: Part): void {
    this.#parts.push(part);
    this.#arrived();
  }

  end(): void {
    this.#isOver = true;
    this.#arrived();
  }

  [Symbol.asyncIterator](): AsyncIterator<Part> {
    return {
      next: async () => {
        while (this.#parts.length === 0 && !this.#isOver)
          await new Promise<void>((resolve) => (this.#arrived = resolve));
        const value = this.#parts.shift();
        return value === undefined ? { done: true, value: undefined } : { done: false, value };
      },
      return: () => {
        this.stopped = true;
        return Promise.resolve({ done: true, value: undefined });
      },
    };
  }
}

describe.each(READERS)('a response of the server that reads requests with %s', (reader) => {
  const serverOf = (reply: () => Reply) => SmallServer.start(() => Promise.resolve(reply()), reader);

  const post = (server: SmallServer): Promise<Response> =>
    fetch(`http://127.0.0.1:${server.port}/slow`, { method: 'POST', body: '' });

  it('of bytes arrives unchanged, with its length', async () => {
    const bytes = Uint8Array.from({ length: 70_000 }, (_, at) => at & 255);
    await using server = await serverOf(() => bytesReply(200, bytes, 'application/octet-stream'));
    for (let i = 0; i < 2; i++) {
      const response = await post(server);
      expect(response.headers.get('content-length')).toBe('70000');
      expect(response.headers.get('content-type')).toBe('application/octet-stream');
      expect(Buffer.from(await response.arrayBuffer()).equals(bytes)).toBe(true);
    }
  });

  it('of a stream sends each part when it is there, texts and bytes, and serves the next request', async () => {
    let source = new Source();
    await using server = await serverOf(() => streamReply(200, source, 'text/event-stream'));
    for (let i = 0; i < 2; i++) {
      source = new Source();
      const requested = post(server);
      source.give('data: ü\n\n');
      const response = await requested;
      expect(response.headers.get('transfer-encoding')).toBe('chunked');
      const body = (response.body as ReadableStream<Uint8Array>).getReader();
      expect(await textOf(body)).toBe('data: ü\n\n');
      source.give('');
      source.give(new Uint8Array(0));
      source.give(Buffer.from('data: 2\n\n'));
      expect(await textOf(body)).toBe('data: 2\n\n');
      source.end();
      expect((await body.read()).done).toBe(true);
    }
  });

  it('of a stream ends the stream when the client disconnects, even while the stream is waiting', async () => {
    const source = new Source();
    await using server = await serverOf(() => streamReply(200, source, 'text/event-stream'));
    const socket = connect(server.port, '127.0.0.1');
    socket.write(POST);
    source.give('first');
    await once(socket, 'data');
    socket.destroy();
    await expect.poll(() => source.stopped).toBe(true);
  });

  it('of a stream takes no more parts than the client reads', async () => {
    let made = 0;
    let stop = (): void => {};
    const stopped = new Promise<void>((resolve) => (stop = resolve));
    async function* parts(): AsyncGenerator<Part> {
      try {
        for (; made < 1_000; made++) yield Buffer.alloc(100_000);
      } finally {
        stop();
      }
    }
    await using server = await serverOf(() => streamReply(200, parts(), 'application/octet-stream'));
    const socket = connect(server.port, '127.0.0.1');
    socket.write(POST);
    await once(socket, 'readable');
    socket.destroy();
    await stopped;
    expect(made).toBeLessThan(500);
  });
});

/** The head and the connection of one request, as an exchange gives them. */
async function exchangeOf(reader: (typeof READERS)[number], request: string) {
  const seen: unknown[] = [];
  const look = (exchange: Exchange): void => {
    const { peer, protocol } = exchange;
    seen.push({ values: ['authorization', 'x-twice', 'x-none'].map((name) => exchange.header(name)), peer, protocol });
    void exchange.send(NO_CONTENT, true);
  };
  const server = createServer((incoming, response) => look(new NodeExchange(incoming, response)));
  const plain = reader === 'own' ? new PlainConnections(server, look) : undefined;
  if (plain === undefined) NodeConnections.takeAll(server);
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
  await once(socket, 'connect');
  const { localPort: port } = socket;
  socket.write(request);
  socket.resume();
  await once(socket, 'close');
  plain?.closeAll();
  await new Promise((resolve) => server.close(resolve));
  return { seen, port };
}

const FIELDS = 'Host: h\r\nAuthorization:  Bearer a\t\r\nX-Twice: 1\r\nx-twice: 2\r\nContent-Length: 0\r\n\r\n';

it.each([
  ['own', '1.1'],
  ['node', '1.1'],
  ['own', '1.0'],
  ['node', '1.0'],
] as const)(
  'a request gives its header fields, its peer and its protocol: %s reader, HTTP/%s',
  async (reader, version) => {
    const { seen, port } = await exchangeOf(reader, `POST /x HTTP/${version}\r\n${FIELDS}`);
    expect(seen).toEqual([
      {
        values: [['Bearer a'], ['1', '2'], []],
        peer: { address: '127.0.0.1', port },
        protocol: `http/${version}`,
      },
    ]);
  },
);

it('a text response is unchanged', () => {
  expect(textReply(200, 'ü', 'text/plain')).toMatchObject({ body: 'ü', encoding: 'utf8' });
});

describe('a part that is larger than a slow reader may hold', () => {
  const MIB = 1024 * 1024;

  it.each([
    ['text', '😀'.repeat(MIB / 2)],
    ['bytes', Buffer.alloc(MIB, 'x')],
  ])('is written in slices, each after the one before was taken: %s', async (_, part) => {
    const stream = new PassThrough({ highWaterMark: 16 * 1024 });
    let longest = 0;
    const sent = sendParts(stream, [part], (slice) => {
      const isTaken = stream.write(slice);
      longest = Math.max(longest, stream.writableLength);
      return isTaken;
    });
    const received: Buffer[] = [];
    stream.on('data', (piece: Buffer) => received.push(piece));
    await sent;
    await expect.poll(() => Buffer.concat(received).equals(Buffer.from(part))).toBe(true);
    expect(longest).toBeLessThanOrEqual(4 * 64 * 1024);
  });
});

async function textOf(body: ReadableStreamDefaultReader<Uint8Array>): Promise<string> {
  const { value } = await body.read();
  return Buffer.from(value ?? []).toString();
}
