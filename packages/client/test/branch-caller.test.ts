import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { BranchCaller } from '../src/api/branch-caller.ts';
import { InitiatorSecrets } from '../src/api/initiator-secrets.ts';

describe('a branch that the client calls', () => {
  const caller = new BranchCaller(1, { signer: undefined, secrets: new InitiatorSecrets(undefined, 'connect()') });
  let response = '';
  const server = createServer((socket) =>
    socket.once('data', () => socket.end(response, 'latin1')).on('error', () => {}),
  );
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

  it.each([
    ['200 OK', '"d\u00e9bit"', 'SUCCESS', undefined],
    ['409 Conflict', 'refus\u00e9', 'FAILURE', undefined],
    ['200 OK', 'refus\u00e9: FAILURE', 'FAILURE', undefined],
    ['200 OK', '{"dtm_result":"ONGOING","note":"\u00e9"}', 'ONGOING', undefined],
    ['200 OK', Buffer.from('"d\u00e9bit"').toString('latin1'), 'SUCCESS', 'd\u00e9bit'],
  ] as const)(
    'and that responds with %s and the Latin-1 text %j has the result %s and the value %j',
    async (status, text, kind, value) => {
      response = `HTTP/1.1 ${status}\r\nContent-Length: ${text.length}\r\n\r\n${text}`;
      const { port } = server.address() as AddressInfo;
      const url = `http://127.0.0.1:${port}/try`;
      const call = { gid: 'g', pattern: 'tcc', branchId: '01', op: 'try', query: {}, headers: {}, payload: 1 } as const;
      const { result, body } = await caller.call({ ...call, url, timeoutMs: 5_000 });
      expect([result.kind, body]).toEqual([kind, value]);
    },
  );
});
