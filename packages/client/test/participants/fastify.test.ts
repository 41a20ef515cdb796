import Fastify from 'fastify';
import { expect, it } from 'vitest';
import { branch, branchBodies, checkBack } from '../../src/participants/fastify.ts';
import { participantSuite } from './suite.ts';

participantSuite('Fastify', {
  branch,
  checkBack,
  serve: async (route) => {
    const app = Fastify();
    await app.register(branchBodies);
    app.route({ method: ['GET', 'POST'], url: '/debit', handler: route });
    return { url: await app.listen({ host: '127.0.0.1', port: 0 }), close: () => app.close() };
  },
});

const EMPTY = { method: 'POST', headers: { 'content-type': 'application/json' } } as const;

it('branchBodies accepts calls without a payload in the scope where it is registered, and does not change other scopes', async () => {
  const app = Fastify();
  await app.register(async (branches) => {
    await branches.register(branchBodies);
    branches.post(
      '/debit',
      branch(() => {}),
    );
  });
  app.post('/other', () => 'never reached');
  const query = 'gid=g&trans_type=xa&branch_id=01&op=commit';
  const debit = await app.inject({ ...EMPTY, url: `/debit?${query}` });
  const other = await app.inject({ ...EMPTY, url: '/other' });
  expect([debit.statusCode, other.statusCode]).toEqual([200, 400]);
});

it('branchBodies parses as Fastify does: a poisoned prototype is rejected', async () => {
  const app = Fastify();
  await app.register(branchBodies);
  app.post('/any', () => 'never reached');
  const response = await app.inject({ ...EMPTY, url: '/any', body: '{"__proto__":{"admin":true}}' });
  expect(response.statusCode).toBe(400);
});

it('branchBodies responds with 400 to a body that is not UTF-8', async () => {
  const app = Fastify();
  await app.register(branchBodies);
  app.post('/any', () => 'never reached');
  const response = await app.inject({ ...EMPTY, url: '/any', body: Buffer.from('{"to":"\xe9"}', 'latin1') });
  expect([response.statusCode, response.body]).toEqual([400, expect.stringContaining('UTF-8')]);
});
