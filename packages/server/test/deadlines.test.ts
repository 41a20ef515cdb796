import { CheckedStore, type Store } from '@holdfast/core/store';
import type { Coordinator } from '@holdfast/core';
import { API_ROOT, OPERATION_NAMES, operationOf, pathFieldsOf } from '@holdfast/protocol';
import { AuditLog, DTM_OPERATIONS, type DtmOperationName, TokenBook, type TokenStore } from '@holdfast/api';
import { describe, expect, it } from 'vitest';
import { DTM_REQUESTS, RPC_REQUESTS } from './support/dtm-requests.ts';
import { HeldStore } from '@holdfast/testing/held-store';
import { always, Participants } from '@holdfast/testing/participants';
import { SILENT } from '@holdfast/server';
import { TestServer, TransportServer } from './support/running-server.ts';

const never = new Promise<never>(() => {});
const SOON = { 'Request-Timeout-Ms': '500' };

/** A coordinator that never responds, except for what needs no store. */
const HANGING = new Proxy({} as Coordinator, {
  get: (_, method) => (method === 'assertMayWait' ? () => undefined : () => never),
});
const WITHOUT_STORE: readonly string[] = ['version', 'newGid'] satisfies readonly DtmOperationName[];

/** Bodies of the operations that need one. */
const BODIES: Readonly<Record<string, unknown>> = {
  createTransaction: { gid: 'g', pattern: 'saga', steps: [{ action: 'http://a/' }] },
  registerBranch: { pattern: 'tcc', branchId: '01', confirm: 'http://a/', cancel: 'http://a/' },
  finishWorkflow: { status: 'succeed' },
  parkWorkflow: { reason: 'none' },
  subscribe: { url: 'http://a/' },
  createToken: { name: 'n', role: 'viewer' },
};

/** They read the transaction before they change it. */
const READ_FIRST: readonly string[] = ['submitTransaction', 'registerBranch'];

describe('a call whose deadline passes while it waits for the store', () => {
  it("is responded to at the deadline over dtm's REST, for every call", async () => {
    await using server = await TransportServer.start(HANGING);
    const calls = Object.entries(DTM_REQUESTS).flatMap(([name, requests]) =>
      requests.map((request) => ({ name: name as DtmOperationName, ...request })),
    );
    const waiting = calls.filter(({ name }) => !WITHOUT_STORE.includes(name));
    await Promise.all(
      waiting.map(async ({ name, method, path, body }) => {
        const { status, json, text } = await server.request(method, path, body, SOON);
        expect([path, status, json.code]).toEqual([path, 504, 'deadline_exceeded']);
        // Neither word of dtm: the outcome decides nothing.
        expect(text).not.toMatch(/FAILURE|ONGOING|SUCCESS/);
        const isQuery = DTM_OPERATIONS[name].kind === 'query';
        expect(json.message).toContain(isQuery ? 'no change was started' : 'outcome is unknown');
      }),
    );
  });

  it('is responded to at the deadline over JSON-RPC, for every method', async () => {
    await using server = await TransportServer.start(HANGING);
    const calls = Object.entries(RPC_REQUESTS).filter(([name]) => !WITHOUT_STORE.includes(name));
    await Promise.all(
      calls.map(async ([name, params]) => {
        const request = { jsonrpc: '2.0', id: 1, method: name, params };
        const { json } = await server.request('POST', '/api/json-rpc', request, SOON);
        expect(json.error).toMatchObject({ code: -32_603, data: { code: 'deadline_exceeded' } });
        expect(json.error.message).toContain('outcome is unknown; retry with the same gid');
      }),
    );
  });

  it('is responded to at the deadline over /api/v1, for every operation', async () => {
    const tokens = new TokenBook(HANGING as unknown as TokenStore);
    const store = HANGING as unknown as Store;
    const audit = new AuditLog({ store, logger: SILENT, retentionMs: 0, maxEntries: 1_000 });
    await using server = await TransportServer.start(HANGING, { tokens, audit });
    await Promise.all(
      OPERATION_NAMES.map(async (name) => {
        const operation = operationOf(name);
        let path: string = API_ROOT + operation.path;
        for (const field of pathFieldsOf(operation)) path = path.replace(`:${field}`, 'x');
        if (name === 'unsubscribe') path += '?url=http://a/';
        const { status, json, text } = await server.request(operation.method, path, BODIES[name], SOON);
        expect([name, status, json.code]).toEqual([name, 504, 'deadline_exceeded']);
        const isStarted = operation.kind !== 'query' && !READ_FIRST.includes(name);
        expect(json).toMatchObject({ outcome: isStarted ? 'unknown' : 'not_started' });
        if (isStarted && operation.path.startsWith('/transactions')) expect(text).toContain('retry with the same gid');
      }),
    );
  });

  it('is responded to within a batch of JSON-RPC, also behind another request with its gid', async () => {
    await using server = await TransportServer.start(HANGING);
    const request = (id: number) => ({ jsonrpc: '2.0', id, method: 'submit', params: RPC_REQUESTS.submit });
    const { list } = await server.request('POST', '/api/json-rpc', [request(1), request(2)], SOON);
    expect(list.map(({ error }) => error.data)).toMatchObject([
      { code: 'deadline_exceeded' },
      { code: 'deadline_exceeded' },
    ]);
    expect(list[0]?.error.message).toContain('outcome is unknown');
    expect(list[1]?.error.message).toContain('no change was started');
  });

  it('with a wait has the durable transaction as its response when its state cannot be read', async () => {
    const created = { gid: 'g', pattern: 'saga', status: 'submitted' };
    const state = { rollbackReason: '', parked: '', stopped: '', timeline: [] };
    const view = () => ({ ...created, namespace: 'default', attention: false, state });
    await using server = await TransportServer.start({
      submit: () => Promise.resolve({ ...created, view }) as never,
      assertMayWait: () => undefined,
      wait: () => never,
    });
    const body = BODIES['createTransaction'];
    const { status, json } = await server.request('POST', '/api/v1/transactions?waitMs=20000', body, SOON);
    expect([status, json.status]).toEqual([200, 'submitted']);
  });
});

describe('a caller that repeats its request after the deadline', () => {
  const SHORT = { 'Request-Timeout-Ms': '400' };

  it.each([
    [
      "dtm's REST",
      (server: TestServer, url: string, headers: Record<string, string>) =>
        server.request(
          'POST',
          '/api/dtmsvr/submit',
          { gid: 'g', trans_type: 'saga', steps: [{ action: url }], payloads: ['1'], wait_result: true },
          headers,
        ),
      504,
    ],
    [
      'JSON-RPC',
      (server: TestServer, url: string, headers: Record<string, string>) =>
        server.request(
          'POST',
          '/api/json-rpc',
          {
            jsonrpc: '2.0',
            id: 1,
            method: 'submit',
            params: { gid: 'g', trans_type: 'saga', steps: [{ action: url }], payloads: ['1'], wait_result: true },
          },
          headers,
        ),
      200,
    ],
    [
      '/api/v1',
      (server: TestServer, url: string, headers: Record<string, string>) =>
        server.request(
          'POST',
          '/api/v1/transactions?waitMs=5000',
          { gid: 'g', pattern: 'saga', steps: [{ action: url, payload: 1 }] },
          headers,
        ),
      504,
    ],
  ] as const)('has one transaction, whose branches are called once (%s)', async (_, send, status) => {
    await using shop = await Participants.start();
    shop.respond('/debit', always(200));
    const store = new HeldStore();
    await using server = await TestServer.start({}, { store: new CheckedStore(store) });
    store.hold();
    const late = await send(server, shop.url('/debit'), SHORT);
    expect(late.status).toBe(status);
    expect(late.text).toContain('outcome is unknown; retry with the same gid');
    store.release();
    const again = await send(server, shop.url('/debit'), {});
    expect(again.status).toBe(200);
    expect((await server.get('/api/v1/transactions/g?waitMs=5000')).json.status).toBe('succeed');
    expect(shop.calls).toHaveLength(1);
  });
});
