import type { ServerResponse } from 'node:http';
import { Client } from 'undici';
import { describe, expect, it } from 'vitest';
import { MemoryStore } from '@holdfast/core/memory-store';
import { CheckedStore } from '@holdfast/core/store';
import { Participants } from '@holdfast/testing/participants';
import { TestServer } from './support/running-server.ts';

/** Connections that are kept open between requests. */
class OpenLines implements AsyncDisposable {
  readonly #clients: readonly Client[];

  constructor(url: string, count: number) {
    this.#clients = Array.from({ length: count }, () => new Client(url, { pipelining: 1 }));
  }

  async get(line: number, path: string) {
    const client = this.#clients[line];
    if (client === undefined) throw new Error(`there is no line ${line}`);
    const { statusCode, headers, body } = await client.request({ method: 'GET', path });
    return { status: statusCode, connection: headers['connection'], text: await body.text() };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#clients.map((client) => client.destroy()));
  }
}

describe('a server that is stopped', () => {
  const saga = (shop: Participants) => ({
    gid: 'g1',
    trans_type: 'saga',
    steps: [{ action: shop.url('/slow'), compensate: '' }],
    payloads: ['{}'],
    wait_result: true,
  });

  it('finishes requests in progress, responds to waiting callers, and accepts nothing new', async () => {
    await using shop = await Participants.start();
    const server = await TestServer.start({ drainTimeout: 10_000 });
    const requested = new Promise<ServerResponse>((resolve) => shop.respond('/slow', resolve));
    const waiting = server.dtm('submit', saga(shop));
    const response = await requested;
    const closing = server.running.close();
    await expect(fetch(`${server.url}/healthz`)).rejects.toThrow('fetch failed');
    response.end('{}');
    expect((await waiting).json).toEqual({ dtm_result: 'SUCCESS' });
    expect((await waiting).headers.get('connection')).toBe('close');
    await closing;
  });

  it('becomes unready at once, serves requests over open connections, and closes these with the response', async () => {
    const server = await TestServer.start({ drainTimeout: 10_000 });
    await using lines = new OpenLines(server.url, 2);
    expect(await lines.get(0, '/readyz')).toMatchObject({ status: 200, connection: 'keep-alive' });
    expect(await lines.get(1, '/readyz')).toMatchObject({ status: 200, connection: 'keep-alive' });
    const closing = server.running.close();
    const ready = await lines.get(0, '/readyz');
    expect(ready).toMatchObject({ status: 503, connection: 'close' });
    expect(ready.text).toContain('this node is shutting down');
    expect(await lines.get(1, '/api/dtmsvr/newGid')).toMatchObject({ status: 200, connection: 'close' });
    await closing;
  });

  it('leaves transactions that do not finish in time to the next start, which finishes them', async () => {
    await using shop = await Participants.start();
    const memory = new MemoryStore(Date.now);
    const server = await TestServer.start({ drainTimeout: 0 }, { store: new CheckedStore(memory) });
    const requested = new Promise<ServerResponse>((resolve) => shop.respond('/slow', resolve));
    const waiting = server.dtm('submit', saga(shop));
    await requested;
    await server.running.close();
    expect((await waiting).status).not.toBe(200);
    shop.respond('/slow', (response) => response.end());
    await using next = await TestServer.start({}, { store: new CheckedStore(memory) });
    const { json } = await next.get('/api/v1/transactions/g1?waitMs=10000');
    expect(json.status).toBe('succeed');
  });

  it('can be stopped more than once', async () => {
    const { running } = await TestServer.start();
    await Promise.all([running.close(), running.close()]);
    await expect(running.close()).resolves.toBeUndefined();
  });

  it('responds with the current state to a caller that waits for an event that will not happen', async () => {
    const server = await TestServer.start({ drainTimeout: 0 });
    await server.dtm('prepare', { gid: 'g1', trans_type: 'tcc' });
    const waiting = server.get('/api/v1/transactions/g1?waitMs=60000');
    await server.get('/healthz');
    await server.running.close();
    expect(await waiting).toMatchObject({ status: 200, json: { gid: 'g1', status: 'prepared' } });
  });
});
