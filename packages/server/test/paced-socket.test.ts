import { createServer, type Server } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { once } from 'node:events';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { NodeConnections } from '../src/http/node-connections.ts';
import { PacedSocket } from '../src/http/paced-socket.ts';

const HEAD = 'POST / HTTP/1.1\r\nHost: h\r\n';
const KIB = 1024;

let server: Server | undefined;
let running = 0;
let mostRunning = 0;

/** A server that responds with the length of the body, a turn of the event loop later. */
async function start(): Promise<Socket> {
  running = mostRunning = 0;
  server = createServer((request, response) => {
    mostRunning = Math.max(mostRunning, ++running);
    let bytes = 0;
    request.on('data', (chunk: Buffer) => (bytes += chunk.length));
    request.on('end', () =>
      setImmediate(() => {
        running--;
        response.end(`<${bytes}>`);
      }),
    );
  });
  NodeConnections.takeAll(server);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return connect((server.address() as AddressInfo).port, '127.0.0.1');
}

/** The lengths that came back, once there are `count`. */
async function lengths(socket: Socket, count: number): Promise<readonly number[]> {
  let text = '';
  for await (const piece of socket) {
    text += String(piece);
    const found = [...text.matchAll(/<(\d+)>/g)];
    if (found.length >= count) return found.map(([, bytes]) => Number(bytes));
  }
  throw new Error(`the connection ended after ${text}`);
}

const chunk = (body: string): string => `${body.length.toString(16)}\r\n${body}\r\n`;
const chunked = (...bodies: readonly string[]): string =>
  `${HEAD}Transfer-Encoding: chunked\r\n\r\n${bodies.map(chunk).join('')}0\r\n\r\n`;
const sized = (body: string): string => `${HEAD}Content-Length: ${body.length}\r\n\r\n${body}`;

afterEach(() => {
  vi.restoreAllMocks();
  server?.closeAllConnections();
  server?.close();
});

describe('a connection that node:http reads', () => {
  it.each([
    ['of known length', sized],
    ['in chunks', chunked],
  ])('hands over a body of blank lines %s in few slices', async (_, request) => {
    const push = vi.spyOn(PacedSocket.prototype, 'push');
    const socket = await start();
    socket.write(request('\n'.repeat(256 * KIB)));
    expect(await lengths(socket, 1)).toEqual([256 * KIB]);
    expect(push.mock.calls.length).toBeLessThan(1_000);
  });

  it('serves what follows a body one request at a time', async () => {
    const socket = await start();
    const bodies = ['', '\n\n', '\r\n\r\nGET / HTTP/1.1\r\n\r\n', '\n'.repeat(2_000)];
    socket.write(bodies.map((body) => sized(body) + chunked(body || 'x') + sized('')).join(''));
    const expected = bodies.flatMap((body) => [body.length, body.length || 1, 0]);
    expect(await lengths(socket, expected.length)).toEqual(expected);
    expect(mostRunning).toBe(1);
  });

  it('finds the end of a head wherever the packets are cut', async () => {
    const request = sized('\n\nabc');
    for (let cut = 1; cut < request.length; cut++) {
      const socket = await start();
      socket.setNoDelay(true).write(request.slice(0, cut));
      socket.write(request.slice(cut) + sized('xy'));
      expect(await lengths(socket, 2)).toEqual([5, 2]);
      server?.closeAllConnections();
      server?.close();
    }
  });
});
