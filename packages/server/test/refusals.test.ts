import { SILENT } from '@holdfast/server';
import { request } from 'undici';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { HttpServer } from '../src/http/server.ts';
import { TestServer } from './support/running-server.ts';

const V1 = '/api/v1/transactions';
const RPC = '/api/json-rpc';
const DTM = '/api/dtmsvr/newGid';

let server: TestServer;
beforeAll(async () => {
  server = await TestServer.start();
});
afterAll(() => server[Symbol.asyncDispose]());

async function send(url: string, path: string, headers: Record<string, string> = {}) {
  const { statusCode, headers: fields, body } = await request(url + path, { method: 'POST', headers, body: '{}' });
  return { status: statusCode, type: fields['content-type'], body: await body.json() };
}

const problem = (status: number, detail: string) => ({
  status,
  type: 'application/problem+json',
  body: {
    type: expect.stringContaining('urn:holdfast:problem:'),
    title: expect.any(String),
    status,
    code: expect.any(String),
    detail: expect.stringContaining(detail),
  },
});
const rpcError = (status: number, message: string) => ({
  status,
  type: 'application/json',
  body: { jsonrpc: '2.0', id: null, error: { code: expect.any(Number), message: expect.stringContaining(message) } },
});
const message = (status: number, text: string) => ({
  status,
  type: 'application/json',
  body: { message: expect.stringContaining(text), code: status === 503 ? 'unavailable' : 'invalid' },
});

describe('a request that is rejected before it reaches its route', () => {
  it.each([
    ['a foreign Host', { host: 'evil.example' }, 'evil.example'],
    ['a page of another site', { origin: 'http://evil.example' }, 'other sites'],
  ])('receives the error in the form of its API: %s', async (_, headers, text) => {
    expect(await send(server.url, V1, headers)).toEqual(problem(403, text));
    expect(await send(server.url, RPC, headers)).toEqual(rpcError(403, text));
    expect(await send(server.url, DTM, headers)).toEqual(message(403, text));
  });

  it('receives the error in the form of its API while the coordinator starts', async () => {
    const starting = new HttpServer({ log: SILENT, maxBodyBytes: 100, maxConnections: 10, responded: () => undefined });
    const url = await starting.listen('127.0.0.1', 0);
    expect(await send(url, V1)).toEqual(problem(503, 'starting'));
    expect(await send(url, RPC)).toEqual(rpcError(503, 'starting'));
    expect(await send(url, DTM)).toEqual(message(503, 'starting'));
    await starting.close();
  });

  it('receives the error in the form of its API when its method or its body is wrong', async () => {
    const put = await request(server.url + RPC, { method: 'PUT' });
    expect([put.statusCode, await put.body.json()]).toEqual([405, rpcError(405, 'POST').body]);
    const gone = await request(`${server.url}/api/v1`);
    expect([gone.statusCode, gone.headers['content-type']]).toEqual([404, 'application/problem+json']);
    await gone.body.dump();
  });
});
