import type { Server } from 'node:http';
import { createAdaptorServer } from '@hono/node-server';
import { Hono } from 'hono';
import { expect, it } from 'vitest';
import { branch, checkBack } from '../../src/participants/hono.ts';
import { listening } from './listening.ts';
import { participantSuite } from './suite.ts';

participantSuite('Hono', {
  branch,
  checkBack,
  serve: (route) => {
    const app = new Hono().on(['GET', 'POST'], '/debit', route);
    return listening(createAdaptorServer({ fetch: app.fetch }) as Server);
  },
});

const CALL = '/debit?gid=g&trans_type=saga&branch_id=01&op=action';

it('a Hono participant needs nothing but a web-standard request', async () => {
  const app = new Hono().post(
    '/debit',
    branch<{ amount: number }>((call) => ({ left: 100 - call.payload.amount })),
  );
  const response = await app.fetch(new Request(`http://bank${CALL}`, { method: 'POST', body: '{"amount":30}' }));
  expect(response.status).toBe(200);
  expect(await response.json()).toEqual({ dtm_result: 'SUCCESS', result: { left: 70 } });
});

it('a Hono participant bounds a body without a content-length, and stops reading it', async () => {
  let cancelled = false;
  const body = new ReadableStream<Uint8Array>({
    pull: (controller) => controller.enqueue(new Uint8Array(1024).fill(32)),
    cancel: () => void (cancelled = true),
  });
  const app = new Hono().post(
    '/debit',
    branch(() => {}, { maxBodyBytes: 10_000, onError: () => {} }),
  );
  const endless = new Request(`http://bank${CALL}`, { method: 'POST', body, duplex: 'half' });
  const response = await app.fetch(endless);
  expect([response.status, cancelled]).toEqual([413, true]);
});

it('a Hono participant finds a body that a middleware has read, and keeps the headers it has set', async () => {
  const payloads: unknown[] = [];
  const app = new Hono()
    .use(async (context, next) => {
      await context.req.json();
      context.header('x-seen', 'yes');
      await next();
    })
    .post(
      '/debit',
      branch((call) => void payloads.push(call.payload)),
    );
  const response = await app.fetch(new Request(`http://bank${CALL}`, { method: 'POST', body: '{"amount":30}' }));
  expect([response.status, response.headers.get('x-seen'), payloads]).toEqual([200, 'yes', [{ amount: 30 }]]);
});

it('a Hono participant rejects a body that is not UTF-8, also when a middleware has read its bytes', async () => {
  const payloads: unknown[] = [];
  const route = branch((call) => void payloads.push(call.payload), { onError: () => {} });
  const app = new Hono()
    .use(async (context, next) => {
      await context.req.arrayBuffer();
      await next();
    })
    .post('/debit', route);
  const post = (body: Buffer) =>
    app.fetch(new Request(`http://bank${CALL}`, { method: 'POST', body: new Uint8Array(body) }));
  expect((await post(Buffer.from('"caf\u00e9"', 'latin1'))).status).toBe(400);
  expect((await post(Buffer.from('"caf\u00e9"'))).status).toBe(200);
  expect(payloads).toEqual(['caf\u00e9']);
});
