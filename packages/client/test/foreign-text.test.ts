import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, it, onTestFinished } from 'vitest';
import { connect } from '../src/connect.ts';
import { UnexpectedResponse } from '../src/errors.ts';

/** A client of a coordinator, or of a proxy in front of it, that responds with these bytes. */
async function clientOf(status: number, body: Buffer) {
  const server = createServer((_, response) => void response.writeHead(status).end(body)).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const hf = connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, { retryForMs: 0 });
  onTestFinished(async () => {
    await hf.close();
    server.closeAllConnections();
    server.close();
  });
  return hf;
}

const DETAILS = {
  namespace: 'default',
  gid: 'caf\u00e9',
  pattern: 'saga',
  status: 'succeed',
  rollbackReason: '',
  attention: false,
  parked: '',
  createdAtMs: 1,
  updatedAtMs: 1,
  finishedAtMs: 1,
  dueAtMs: null,
  owner: null,
};
const page = (encoding: BufferEncoding): Buffer =>
  Buffer.from(JSON.stringify({ items: [DETAILS], next: null }), encoding);

it('a UTF-8 response of the coordinator is read unchanged', async () => {
  const hf = await clientOf(200, page('utf8'));
  expect((await hf.list()).items[0]?.gid).toBe('caf\u00e9');
});

it('a response that is not UTF-8 is an UnexpectedResponse, not a changed gid', async () => {
  const hf = await clientOf(200, page('latin1'));
  await expect(hf.list()).rejects.toThrow(UnexpectedResponse);
});

it('a rejection that is not UTF-8 is not taken as the coordinator’s', async () => {
  const problem = { type: 'x', title: 'x', status: 409, detail: 'd\u00e9j\u00e0', code: 'refused' };
  const hf = await clientOf(409, Buffer.from(JSON.stringify(problem), 'latin1'));
  await expect(hf.get('g')).rejects.toThrow(UnexpectedResponse);
});
