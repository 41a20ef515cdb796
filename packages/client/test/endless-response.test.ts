import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, it } from 'vitest';
import { connect } from '../src/connect.ts';

it('a call ends after requestTimeoutMs when the response arrives byte by byte and never ends', async () => {
  const server = createServer((_, response) => {
    response.writeHead(200, { 'content-type': 'application/json' });
    const dripping = setInterval(() => response.write(' '), 5);
    response.on('close', () => clearInterval(dripping));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const hf = connect(url, { requestTimeoutMs: 100, retryForMs: 0 });
  try {
    await expect(hf.get('g')).rejects.toMatchObject({ code: 'coordinator_unreachable', attempts: 1 });
  } finally {
    server.closeAllConnections();
    server.close();
    await hf.close();
  }
});

it.each([Infinity, 2 ** 40, 0])('requestTimeoutMs may be %s: a call has no timeout then', async (requestTimeoutMs) => {
  const server = createServer((_, response) => {
    response.writeHead(200, { 'content-type': 'application/json' }).end('{"items":[],"next":null}');
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const hf = connect(url, { requestTimeoutMs, retryForMs: 0 });
  try {
    await expect(hf.list()).resolves.toMatchObject({ items: [] });
  } finally {
    server.close();
    await hf.close();
  }
});
