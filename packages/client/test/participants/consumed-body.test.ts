import { createServer, type Server } from 'node:http';
import { text } from 'node:stream/consumers';
import { deflateSync, gzipSync } from 'node:zlib';
import { createAdaptorServer } from '@hono/node-server';
import express from 'express';
import Fastify from 'fastify';
import { Hono } from 'hono';
import { Readable } from 'node:stream';
import { request } from 'undici';
import { expect, it, onTestFinished } from 'vitest';
import { branch as expressBranch } from '../../src/participants/express.ts';
import { branch as fastifyBranch } from '../../src/participants/fastify.ts';
import { branch as honoBranch } from '../../src/participants/hono.ts';
import { branch as nodeBranch } from '../../src/participants/node-http.ts';
import { CALL, type Served } from './harness.ts';
import { listening } from './listening.ts';

const OPTIONS = { onError: () => {} };

/** What reads the body before the branch, and keeps it for itself. */
const CONSUMERS: Readonly<Record<string, (handler: () => void) => Promise<Served>>> = {
  'node:http': (handler) => {
    const route = nodeBranch(handler, OPTIONS);
    return listening(createServer((incoming, response) => void text(incoming).then(() => route(incoming, response))));
  },
  'node:http, and does not wait for the end': (handler) => {
    const route = nodeBranch(handler, OPTIONS);
    return listening(
      createServer((incoming, response) => {
        incoming.on('data', () => {});
        setImmediate(() => void route(incoming, response));
      }),
    );
  },
  Express: (handler) =>
    listening(
      createServer(
        express()
          .use((incoming, _response, next) => void text(incoming).then(() => next(), next))
          .post('/debit', expressBranch(handler, OPTIONS)),
      ),
    ),
  'Express with express.json() behind it': (handler) =>
    listening(
      createServer(
        express()
          .use((incoming, _response, next) => void text(incoming).then(() => next(), next))
          .use(express.json())
          .post('/debit', expressBranch(handler, OPTIONS)),
      ),
    ),
  Hono: (handler) => {
    const app = new Hono()
      .use(async (context, next) => {
        await context.req.raw.text();
        await next();
      })
      .post('/debit', honoBranch(handler, OPTIONS));
    return listening(createAdaptorServer({ fetch: app.fetch }) as Server);
  },
};

it.each(Object.keys(CONSUMERS))(
  'a call whose body was read by a middleware of %s is an error, and not a call without a payload',
  async (framework) => {
    let calls = 0;
    const server = await CONSUMERS[framework]?.(() => void calls++);
    onTestFinished(() => server?.close());
    const url = `${server?.url}/debit?${CALL}`;
    const headers = { 'content-type': 'application/json' };
    for (const body of ['{"amount":30}', Readable.from(['{"amount":30}'])]) {
      const response = await request(url, { method: 'POST', headers, body });
      await response.body.dump();
      expect([response.statusCode >= 400, calls]).toEqual([true, 0]);
    }
  },
);

it('a Fastify branch parses a text that a content type parser has left, and rejects a form', async () => {
  const payloads: unknown[] = [];
  const app = Fastify();
  app.addContentTypeParser('application/json', { parseAs: 'string' }, (_request, body, done) => done(null, body));
  app.addContentTypeParser('application/x-www-form-urlencoded', { parseAs: 'string' }, (_request, body, done) =>
    done(null, Object.fromEntries(new URLSearchParams(body as string))),
  );
  app.post(
    '/bank/debit',
    fastifyBranch((call) => void payloads.push(call.payload), OPTIONS),
  );
  const post = async (type: string) =>
    app.inject({
      method: 'POST',
      url: `/bank/debit?${CALL}`,
      headers: { 'content-type': type },
      body: '{"amount":30}',
    });
  const statuses = [
    await post('application/json'),
    await post('text/plain'),
    await post('application/x-www-form-urlencoded'),
  ];
  expect(statuses.map(({ statusCode }) => statusCode)).toEqual([200, 200, 400]);
  expect(payloads).toEqual([{ amount: 30 }, { amount: 30 }]);
});

it('an Express branch behind express.text() parses the text, or rejects it', async () => {
  const payloads: unknown[] = [];
  const route = expressBranch((call) => void payloads.push(call.payload), OPTIONS);
  const app = express()
    .use(express.text({ type: '*/*' }))
    .post('/debit', route);
  const server = await listening(createServer(app));
  onTestFinished(() => server.close());
  const order = '{"amount":30,"to":"Zoë"}';
  const statuses: number[] = [];
  for (const [body, encoding] of [
    [order, undefined],
    ['"seat"', undefined],
    [Buffer.from(order, 'latin1'), undefined],
    [gzipSync(order), 'gzip'],
    [deflateSync(order), 'deflate'],
    [Readable.from([order]), undefined],
  ] as const) {
    const headers = { 'content-type': 'application/json', ...(encoding && { 'content-encoding': encoding }) };
    const response = await request(`${server.url}/debit?${CALL}`, { method: 'POST', headers, body });
    await response.body.dump();
    statuses.push(response.statusCode);
  }
  expect(statuses).toEqual([200, 200, 400, 400, 400, 400]);
  expect(payloads).toEqual([{ amount: 30, to: 'Zoë' }, 'seat']);
});
