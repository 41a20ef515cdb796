import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { BranchCaller } from '../src/api/branch-caller.ts';

describe('a branch that the client calls', () => {
  const caller = new BranchCaller(1);
  let response = '';
  const server = createServer((socket) => socket.once('data', () => socket.end(response)).on('error', () => {}));
  beforeEach(async () => {
    if (!server.listening) await once(server.listen(0, '127.0.0.1'), 'listening');
  });
  afterEach(() => {
    server.close();
  });

  it.each([
    ['HTTP/1.1 200 OK\r\n\r\n{"note":"sold out","dtm_resu', 'UNKNOWN'],
    ['HTTP/1.1 200 OK\r\n\r\n', 'UNKNOWN'],
    ['HTTP/1.1 200 OK\r\n\r\n{"dtm_result":"FAILURE"}', 'FAILURE'],
    ['HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n', 'SUCCESS'],
    ['HTTP/1.1 204 No Content\r\n\r\n', 'SUCCESS'],
    ['HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n', 'SUCCESS'],
    ['HTTP/1.1 409 Conflict\r\n\r\nsold out', 'FAILURE'],
  ])('and that responds with %j has the result %s', async (text, kind) => {
    response = text;
    const { port } = server.address() as AddressInfo;
    const call = { gid: 'g', pattern: 'tcc', branchId: '01', op: 'try', query: {}, headers: {} } as const;
    const { result } = await caller.call({
      ...call,
      url: `http://127.0.0.1:${port}/try`,
      payload: 1,
      timeoutMs: 5_000,
    });
    expect(result.kind).toBe(kind);
  });
});
