import net from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { encodeHeaders } from '@holdfast/http2';
import { GrpcClient } from '../support/grpc-client.ts';
import { TestServer } from '../support/running-server.ts';

let server: TestServer;
beforeEach(async () => {
  server = await TestServer.start({ maxBodyBytes: 64 * 1024 });
});
afterEach(() => server[Symbol.asyncDispose]());

/** Numbers below a bound, the same ones for each seed. */
function randomNumbers(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7f_ff_ff_ff;
    return (state >> 8) % below;
  };
}

const PATHS = [
  '/dtmgimp.Dtm/NewGid',
  '/dtmgimp.Dtm/Submit',
  '/dtmgimp.Dtm/Prepare',
  '/grpc.health.v1.Health/Watch',
  '/grpc.health.v1.Health/Check',
  '/grpc.reflection.v1.ServerReflection/ServerReflectionInfo',
  '/nothing',
] as const;

function frame(type: number, flags: number, stream: number, payload: Buffer): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

/** The bytes of one connection: frames that are mostly well-formed, in a random order. */
function connectionOf(seed: number): Buffer {
  const random = randomNumbers(seed);
  const bytes = (count: number): Buffer => Buffer.from(Array.from({ length: count }, () => random(256)));
  const headers = (): Buffer =>
    encodeHeaders([
      [':method', random(6) === 0 ? 'GET' : 'POST'],
      [':scheme', 'http'],
      [':path', PATHS[random(PATHS.length)] ?? '/'],
      ...(random(8) === 0 ? [] : [['content-type', 'application/grpc'] as const]),
      ...(random(4) === 0 ? [['grpc-timeout', ['1n', '5m', 'x'][random(3)] ?? ''] as const] : []),
    ]);
  const message = (): Buffer => {
    const body = bytes(random(40));
    const head = Buffer.from([random(12) === 0 ? 1 : 0, 0, 0, 0, body.length + (random(8) === 0 ? random(100) : 0)]);
    return Buffer.concat([head, body]);
  };
  const hello = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
  const window = random(3) === 0 ? Buffer.from([0, 4, 0, 0, 0, random(9)]) : Buffer.alloc(0);
  const frames = [hello, frame(4, 0, 0, window)];
  let id = -1;
  for (let count = 3 + random(30); count > 0; count--) {
    const stream = random(6) === 0 ? random(60) : Math.max(1, id - 2 * random(3));
    const kind = random(12);
    if (kind < 3) frames.push(frame(1, 4 | random(2), (id += 2), headers()));
    else if (kind < 6) frames.push(frame(0, random(2), stream, message()));
    else if (kind === 6) frames.push(frame(3, 0, stream, Buffer.from([0, 0, 0, random(14)])));
    else if (kind === 7) frames.push(frame(8, 0, random(3) === 0 ? 0 : stream, Buffer.from([0, 0, 0, random(255)])));
    else if (kind === 8) frames.push(frame(6, 0, 0, bytes(8)));
    else if (kind === 9) frames.push(frame(4, 0, 0, Buffer.from([0, 4, 0, 0, random(256), 0])));
    else if (kind === 10) frames.push(frame(1, 5, stream, encodeHeaders([['x-trailer', 'y']])));
    else if (random(6) === 0) frames.push(frame(random(12), random(256), stream, bytes(random(20))));
  }
  return Buffer.concat(frames);
}

/** Sends the bytes of a connection in pieces, and ends the connection in one of several ways. */
async function attackOnce(port: number, seed: number): Promise<void> {
  const random = randomNumbers(seed * 7 + 1);
  const socket = net.connect(port, '127.0.0.1').on('error', () => undefined);
  const closed = new Promise((resolve) => socket.once('close', resolve));
  socket.resume();
  const bytes = connectionOf(seed);
  for (let at = 0; at < bytes.length;) {
    const end = at + 1 + random(random(2) === 0 ? 60 : bytes.length);
    socket.write(bytes.subarray(at, end));
    at = end;
    if (random(4) === 0) await new Promise(setImmediate);
  }
  for (let turns = random(20); turns > 0; turns--) await new Promise(setImmediate);
  if (random(3) === 0) socket.destroy();
  else if (random(2) === 0) socket.resetAndDestroy();
  else socket.end();
  await closed;
}

describe('connections with random frames', () => {
  it('end, leave nothing behind, and do not disturb the calls of others', async () => {
    const port = Number(server.running.grpcAddress.split(':')[1]);
    using client = new GrpcClient(server.running.grpcAddress);
    const attacks = new AbortController();
    const codes: number[] = [];
    const served = (async () => {
      while (!attacks.signal.aborted) codes.push((await client.call('NewGid')).code);
    })();
    const seeds = Array.from({ length: 3_000 }, (_, index) => index + 1).values();
    const attacker = async (): Promise<void> => {
      for (const seed of seeds) await attackOnce(port, seed);
    };
    await Promise.all(Array.from({ length: 20 }, attacker));
    attacks.abort();
    await served;
    expect(codes.length).toBeGreaterThan(100);
    expect(codes.filter((code) => code !== 0)).toEqual([]);
    expect((await client.call('NewGid')).code).toBe(0);
  });
});
