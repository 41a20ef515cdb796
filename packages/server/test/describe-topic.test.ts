import { describe, expect, it } from 'vitest';
import { TestServer } from './support/running-server.ts';

describe('one topic', () => {
  it('is read with its subscribers and its version, secrets hidden', async () => {
    await using server = await TestServer.start();
    const path = '/api/v1/topics/order%2Fpaid';
    await server.request('PUT', `${path}/subscribers`, { url: 'http://me:secret@mail/send', remark: 'mail' });
    const { status, json } = await server.get(path);
    expect(status).toBe(200);
    expect(json).toEqual({
      topic: 'order/paid',
      version: expect.any(Number) as number,
      subscribers: [{ url: expect.not.stringContaining('secret') as string, remark: 'mail' }],
    });
  });

  it('that does not exist is not found', async () => {
    await using server = await TestServer.start();
    const { status, json } = await server.get('/api/v1/topics/nothing');
    expect([status, json.code, json.field]).toEqual([404, 'not_found', 'topic']);
  });

  it.each(['', '%00', 'x'.repeat(257)])('with the name %j, which no topic can have, is rejected', async (name) => {
    await using server = await TestServer.start();
    const { status, json } = await server.get(`/api/v1/topics/${name}`);
    expect([status, json.code, json.field]).toEqual([400, 'invalid', 'topic']);
  });
});
