import http2 from 'node:http2';
import { once } from 'node:events';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Coordinator } from '@holdfast/core';
import { ApiV1, type CallHooks, DtmService } from '@holdfast/api';
import { dtmMethods } from '../../src/grpc/dtm-methods.ts';
import type { UnaryMethod } from '../../src/grpc/grpc-method.ts';
import { GrpcServer } from '../../src/grpc/grpc-server.ts';
import { v1Methods } from '../../src/grpc/v1/v1-methods.ts';
import { SILENT } from '../../src/logs/log.ts';

const seen: string[] = [];
let allows = true;

function methods(): readonly UnaryMethod[] {
  const hooks: CallHooks = {
    allows: () => allows,
    observe: (name) => (result) => void seen.push(`${name.replace('dtm.', '')} ${result}`),
  };
  const coordinator = {} as Coordinator;
  const store = { name: 'fake', durable: false, exclusive: false };
  const description = { version: '', node: '', store, uptimeMs: () => 0 };
  const dtm = new DtmService({ coordinator, version: '', defaultResetAfterMs: 1 }, hooks);
  return [...dtmMethods(dtm), ...v1Methods(new ApiV1({ coordinator, description }, hooks), () => {})];
}

let server: GrpcServer;
let session: http2.ClientHttp2Session;

beforeAll(async () => {
  server = new GrpcServer({ log: SILENT, maxMessageBytes: 100, maxConnections: 10, responded: () => {} });
  server.use(methods());
  session = http2.connect(`http://${await server.listen('127.0.0.1', 0)}`);
  await once(session, 'connect');
});
afterAll(async () => {
  session.destroy();
  await server.close();
});
beforeEach(() => {
  seen.length = 0;
  allows = true;
});

/** Sends bytes as the request of a method. Returns the gRPC status. */
async function send(path: string, bytes: Buffer): Promise<string> {
  const request = session.request({
    ':method': 'POST',
    ':path': path,
    'content-type': 'application/grpc',
    te: 'trailers',
  });
  let status = '';
  request.on('response', (fields) => (status = String(fields['grpc-status'])));
  request.on('error', () => undefined);
  request.resume();
  request.end(bytes);
  await new Promise<void>((resolve) => request.once('close', () => resolve()));
  return status;
}

const frame = (message: Buffer, flag = 0): Buffer => {
  const head = Buffer.alloc(5);
  head[0] = flag;
  head.writeUInt32BE(message.length, 1);
  return Buffer.concat([head, message]);
};

const REJECTED = [
  ['that is too long', frame(Buffer.alloc(101)), 'too_large', '8'],
  ['that is compressed', frame(Buffer.alloc(1), 1), 'invalid', '12'],
  ['without a message', Buffer.alloc(0), 'invalid', '3'],
  ['that is truncated', frame(Buffer.alloc(9)).subarray(0, 8), 'invalid', '3'],
  ['of two messages', Buffer.concat([frame(Buffer.alloc(0)), frame(Buffer.alloc(0))]), 'invalid', '3'],
] as const;

describe.each(methods().map(({ path }) => path))('a request to %s', (path) => {
  const method = path.slice(path.lastIndexOf('/') + 1);
  const name = method.charAt(0).toLowerCase() + method.slice(1);

  it.each(REJECTED)('%s is seen by the hooks once', async (_, bytes, code, status) => {
    expect(await send(path, bytes)).toBe(status);
    expect(seen).toEqual([`${name} ${code}`]);
  });

  it.each(REJECTED)('%s is forbidden first', async (_, bytes) => {
    allows = false;
    expect(await send(path, bytes)).toBe('7');
    expect(seen).toEqual([`${name} forbidden`]);
  });
});
