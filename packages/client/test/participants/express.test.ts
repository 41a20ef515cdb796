import { createServer } from 'node:http';
import express from 'express';
import { request } from 'undici';
import { expect, it } from 'vitest';
import { branch, checkBack, requireUtf8 } from '../../src/participants/express.ts';
import { listening } from './listening.ts';
import { participantSuite } from './suite.ts';

participantSuite('Express', {
  branch,
  checkBack,
  serve: (route) => listening(createServer(express().get('/debit', route).post('/debit', route))),
});

participantSuite('Express with express.json()', {
  branch,
  checkBack,
  serve: (route) =>
    listening(
      createServer(
        express()
          .use(express.json({ limit: '1mb', verify: requireUtf8 }))
          .get('/debit', route)
          .post('/debit', route),
      ),
    ),
});

it('an Express participant below a router, with a raw body, reads both', async () => {
  const seen: unknown[] = [];
  const route = branch((call) => void seen.push([call.gid, call.payload]));
  const bank = express
    .Router()
    .use(express.raw({ type: 'application/json' }))
    .post('/debit', route);
  const server = await listening(createServer(express().use('/bank', bank)));
  const url = `${server.url}/bank/debit?gid=g&trans_type=saga&branch_id=01&op=action`;
  const headers = { 'content-type': 'application/json' };
  const { statusCode, body } = await request(url, { method: 'POST', headers, body: '{"amount":30}' });
  await body.dump();
  await server.close();
  expect(statusCode).toBe(200);
  expect(seen).toEqual([['g', { amount: 30 }]]);
});
