import { expect, it } from 'vitest';
import type { Authenticator } from '@holdfast/api';

import { Participants } from '@holdfast/testing/participants';
import { TestServer } from '../support/running-server.ts';

const everyone: Authenticator = { authenticate: () => ({ id: 'ann', roles: ['admin'] }) };

const saga = (action: string) => ({ gid: 'g', pattern: 'saga', steps: [{ action }] });

it('with authentication and without rules, only public addresses are allowed', async () => {
  await using shop = await Participants.start();
  await using server = await TestServer.start({}, { authenticator: everyone });
  const rejected = await server.post('/api/v1/transactions', saga(shop.url('/a')));
  expect(rejected.status).toBe(400);
  expect(rejected.text).toContain('127.0.0.1 is in 127.0.0.0/8 (loopback), which no rule of branchTargets allows');
  expect((await server.post('/api/v1/transactions', saga('http://169.254.169.254/latest'))).status).toBe(400);
  expect((await server.post('/api/v1/transactions', saga('https://participant.invalid/a'))).status).toBe(200);
});

it('with authentication, a rule allows what it names', async () => {
  await using shop = await Participants.start();
  const branchTargets = ['127.0.0.0/8'];
  await using server = await TestServer.start({ branchTargets }, { authenticator: everyone });
  const created = await server.post('/api/v1/transactions?waitMs=20000', saga(shop.url('/a')));
  expect(created.json.status).toBe('succeed');
});

it('without authentication and without rules, every target is allowed', async () => {
  await using shop = await Participants.start();
  await using server = await TestServer.start();
  const created = await server.post('/api/v1/transactions?waitMs=20000', saga(shop.url('/a')));
  expect(created.json.status).toBe('succeed');
});
