import http2 from 'node:http2';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { SILENT } from '@holdfast/server';
import type { GrpcStream } from '../../src/grpc/grpc-method.ts';
import { GrpcServer } from '../../src/grpc/grpc-server.ts';

const PATH = '/test.Test/Watch';
const EMPTY = Buffer.alloc(5);
/** Announces a compressed message, which the server rejects. */
const COMPRESSED = Buffer.from([1, 0, 0, 0, 0]);

let server: GrpcServer;
let session: http2.ClientHttp2Session;
/** The signals of the methods that run. */
const running = new Set<AbortSignal>();

/** A method that runs until its caller is gone. */
const watch = {
  kind: 'stream' as const,
  path: PATH,
  run: async ({ signal }: GrpcStream) => {
    running.add(signal);
    await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()));
    running.delete(signal);
  },
};

beforeEach(async () => {
  running.clear();
  server = new GrpcServer({ log: SILENT, maxMessageBytes: 1024, maxConnections: 10, responded: () => {} });
  server.use([watch]);
  session = http2.connect(`http://${await server.listen('127.0.0.1', 0)}`);
  session.on('error', () => undefined);
});
afterEach(async () => {
  session.destroy();
  await server.close();
});

async function begin(): Promise<http2.ClientHttp2Stream> {
  const stream = session.request({ ':method': 'POST', ':path': PATH, 'content-type': 'application/grpc' });
  stream.on('error', () => undefined);
  stream.resume();
  stream.write(EMPTY);
  await vi.waitUntil(() => running.size === 1, { timeout: 10_000 });
  return stream;
}

describe('a streaming method stops', () => {
  it.each([
    ['its caller sends a message that is rejected', (stream: http2.ClientHttp2Stream) => stream.write(COMPRESSED)],
    ['its caller cancels', (stream: http2.ClientHttp2Stream) => stream.close(http2.constants.NGHTTP2_CANCEL)],
    ['its caller disconnects', () => session.destroy()],
    ['the server closes', () => void server.close()],
  ])('when %s', async (_, end) => {
    end(await begin());
    await vi.waitUntil(() => running.size === 0, { timeout: 10_000 });
    expect(running.size).toBe(0);
  });
});
