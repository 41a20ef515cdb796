import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { oddRequests, SHAPES } from './support/odd-requests.ts';
import { TestServer } from './support/running-server.ts';

/** Creates a transaction when it succeeds. */
const CREATING = /^\/api\/(?:dtmsvr\/(?:prepare|submit|prepareWorkflow)$|v1\/transactions(?:\?.*)?$)/;

describe('a request with an odd value', () => {
  it('never fails by a bug, leaves nothing half-made behind, and the coordinator responds afterwards', async () => {
    await using server = await TestServer.start({ requestTimeout: 1_000, maxWait: 10 });
    await fc.assert(
      fc.asyncProperty(oddRequests, async ({ method, path, body, contentType, gid }) => {
        const response = await fetch(server.url + path, {
          method,
          headers: { 'content-type': contentType },
          ...(body !== undefined && { body: new Uint8Array(body) }),
        });
        const text = await response.text();
        expect([response.status, text.slice(0, 300)]).toEqual([
          expect.toSatisfy((status: number) => status < 500),
          text.slice(0, 300),
        ]);
        expect(text).not.toContain('internal error');
        if (
          response.status >= 400 &&
          response.status !== 409 &&
          method === 'POST' &&
          CREATING.test(path) &&
          gid.startsWith('odd-')
        ) {
          const found = await server.get(`/api/v1/transactions/${gid}`);
          expect([gid, found.status]).toEqual([
            gid,
            expect.toSatisfy((status: number) => status === 404 || status === 400),
          ]);
        }
      }),
      { numRuns: 500 },
    );
    expect((await server.get('/healthz')).status).toBe(200);
    const accepted = await server.dtm('prepare', { gid: 'after', trans_type: 'tcc' });
    expect(accepted.status).toBe(200);
  });

  it.each(SHAPES.map((shape) => [shape.method, shape.path('GID'), shape] as const))(
    'belongs to an existing route: %s %s',
    async (method, _, { path, body }) => {
      await using server = await TestServer.start();
      const sent = body?.('known');
      const { status, json } = await server.request(method, path('known'), sent);
      expect([status, json?.nearest]).not.toEqual([404, expect.anything()]);
      expect(status).not.toBe(405);
    },
  );
});
