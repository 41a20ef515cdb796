import type { ServerResponse } from 'node:http';
import { describe, expect, it } from 'vitest';
import { CheckedStore, MemoryStore } from '@holdfast/core';
import { Participants } from './support/participants.ts';
import { TestServer } from './support/running-server.ts';

describe('a server that is told to stop', () => {
  const saga = (shop: Participants) => ({
    gid: 'g1',
    trans_type: 'saga',
    steps: [{ action: shop.url('/slow'), compensate: '' }],
    payloads: ['{}'],
    wait_result: true,
  });

  it('finishes what is under way, answers who waits, and takes nothing new', async () => {
    await using shop = await Participants.start();
    const server = await TestServer.start({ drainTimeout: 10_000 });
    const asked = new Promise<ServerResponse>((resolve) => shop.answer('/slow', resolve));
    const waiting = server.dtm('submit', saga(shop));
    const response = await asked;
    const closing = server.running.close();
    await expect(fetch(`${server.url}/healthz`)).rejects.toThrow('fetch failed');
    response.end('{}');
    expect((await waiting).json).toEqual({ dtm_result: 'SUCCESS' });
    expect((await waiting).headers.get('connection')).toBe('close');
    await closing;
  });

  it('leaves what does not end in time to the next start, which finishes it', async () => {
    await using shop = await Participants.start();
    const memory = new MemoryStore(Date.now);
    const server = await TestServer.start({ drainTimeout: 0 }, { store: new CheckedStore(memory) });
    const asked = new Promise<ServerResponse>((resolve) => shop.answer('/slow', resolve));
    const waiting = server.dtm('submit', saga(shop));
    await asked;
    await server.running.close();
    expect((await waiting).status).not.toBe(200);
    shop.answer('/slow', (response) => response.end());
    await using next = await TestServer.start({}, { store: new CheckedStore(memory) });
    const { json } = await next.get('/api/v1/transactions/g1?waitMs=10000');
    expect(json.status).toBe('succeed');
  });

  it('can be told so more than once', async () => {
    const { running } = await TestServer.start();
    await Promise.all([running.close(), running.close()]);
    await expect(running.close()).resolves.toBeUndefined();
  });

  it('answers a caller who waits for something that will not happen with what it is now', async () => {
    const server = await TestServer.start({ drainTimeout: 0 });
    await server.dtm('prepare', { gid: 'g1', trans_type: 'tcc' });
    const waiting = server.get('/api/v1/transactions/g1?waitMs=60000');
    await server.get('/healthz');
    await server.running.close();
    expect(await waiting).toMatchObject({ status: 200, json: { gid: 'g1', status: 'prepared' } });
  });
});
