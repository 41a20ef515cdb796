import { beforeEach, describe, expect, it, vi } from 'vitest';
import { encodeHeaders, Http2Connection, HTTP2_LIMITS } from '@holdfast/http2';
import { GRPC_STATUS } from '@holdfast/protocol/grpc';
import { SILENT } from '@holdfast/server';
import { CallServer } from '../../src/grpc/call-server.ts';
import { HeldBytes } from '../../src/grpc/request-receivers.ts';

const MAX_HELD = 200_000;
const HELLO = Buffer.concat([Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'), frame(4, 0, 0, Buffer.alloc(0))]);
const [DATA, HEADERS, RESET] = [0, 1, 3];
const END_STREAM = 1;
const END_HEADERS = 4;

function frame(type: number, flags: number, stream: number, payload: Buffer): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

const begin = (stream: number, path: string): Buffer =>
  frame(
    HEADERS,
    END_HEADERS,
    stream,
    encodeHeaders([
      [':method', 'POST'],
      [':scheme', 'http'],
      [':path', path],
      ['content-type', 'application/grpc'],
    ]),
  );
const data = (stream: number, payload: Buffer, flags = 0): Buffer => frame(DATA, flags, stream, payload);
const cancel = (stream: number): Buffer => frame(RESET, 0, stream, Buffer.from([0, 0, 0, 8]));

function message(length: number): Buffer {
  const bytes = Buffer.alloc(5 + length);
  bytes.writeUInt32BE(length, 1);
  return bytes;
}

const UNARY = '/test.Test/Unary';
const NEVER_TAKES = '/test.Test/NeverTakes';
const TAKES = '/test.Test/Takes';

let connection: Http2Connection;
/** The statuses of the calls that have ended, by number. */
const ends = new Map<number, number>();
const countOf = (status: number): number => ends.get(status) ?? 0;

/** Sends frames in one piece; then what waits for the end of the turn has run. */
async function send(...frames: readonly Buffer[]): Promise<void> {
  connection.receive(Buffer.concat(frames), 0);
  connection.takeOutput();
  await new Promise(setImmediate);
}

const untilAborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => signal.addEventListener('abort', () => resolve()));

beforeEach(async () => {
  ends.clear();
  const responded = (_path: string, status: number): void => void ends.set(status, countOf(status) + 1);
  const calls = new CallServer({ log: SILENT, maxMessageBytes: 50_000, responded }, new HeldBytes(MAX_HELD));
  calls.use([
    { kind: 'unary', path: UNARY, call: () => Promise.resolve(Buffer.alloc(0)) },
    { kind: 'stream', path: NEVER_TAKES, run: ({ signal }) => untilAborted(signal) },
    {
      kind: 'stream',
      path: TAKES,
      run: async ({ requests, signal }) => {
        for await (const request of requests) expect(request.length).toBeGreaterThan(0);
        await untilAborted(signal);
      },
    },
  ]);
  const nothing = (): void => undefined;
  connection = new Http2Connection(
    'server',
    {
      wantsOutput: nothing,
      opened: (stream, fields) => calls.serve(stream, fields),
      hasRoom: nothing,
      leaving: nothing,
      ponged: nothing,
      over: nothing,
    },
    0,
    HTTP2_LIMITS,
  );
  await send(HELLO);
});

const IDS = Array.from({ length: 100 }, (_, index) => 2 * index + 1);

describe('requests that are held are bounded in bytes', () => {
  it.each([
    ['complete messages whose calls wait for their end', UNARY, [10_000]],
    ['longer ones, in several frames', UNARY, [40_000]],
    ['messages that their method does not take', NEVER_TAKES, [10_000, 10_000]],
  ] as const)('%s', async (_, path, lengths) => {
    for (const id of IDS) {
      await send(begin(id, path));
      for (const length of lengths) {
        const bytes = message(length);
        for (let at = 0; at < bytes.length; at += 16_000) await send(data(id, bytes.subarray(at, at + 16_000)));
      }
    }
    const most = Math.floor(MAX_HELD / lengths.reduce((sum, length) => sum + length, 0)) + 1;
    expect(countOf(GRPC_STATUS.resourceExhausted)).toBeGreaterThanOrEqual(IDS.length - most);
    expect(countOf(GRPC_STATUS.resourceExhausted)).toBeLessThan(IDS.length - most / 2);

    // A request that comes in one piece is served concurrently, and every request after the end.
    await send(begin(1_001, UNARY), data(1_001, message(10_000), END_STREAM));
    expect(countOf(GRPC_STATUS.ok)).toBe(1);
    await send(...IDS.map(cancel));
    await send(begin(1_003, UNARY), data(1_003, message(10_000)));
    await send(data(1_003, Buffer.alloc(0), END_STREAM));
    expect(countOf(GRPC_STATUS.ok)).toBe(2);
  });

  it('but not those that their method has taken', async () => {
    await send(begin(1, TAKES));
    for (let count = 0; count < 100; count++) await send(data(1, message(10_000)));
    expect(ends.size).toBe(0);
    await send(cancel(1));
    await vi.waitUntil(() => countOf(GRPC_STATUS.cancelled) === 1, { timeout: 10_000 });
    expect(ends).toEqual(new Map([[GRPC_STATUS.cancelled, 1]]));
  });
});
