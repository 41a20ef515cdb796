import type { ServerResponse } from 'node:http';
import { expect, it, onTestFinished } from 'vitest';
import { Participants } from '@holdfast/testing/participants';
import { TestServer } from './support/running-server.ts';

it('as many calls to one host are open at once as may run to it, each over a connection', async () => {
  const server = await TestServer.start();
  onTestFinished(() => server[Symbol.asyncDispose]());
  const slow = await Participants.start();
  onTestFinished(() => slow[Symbol.asyncDispose]());
  const held: ServerResponse[] = [];
  slow.respond('/slow', (response) => void held.push(response));
  // More than a pool of connections has by default, fewer than may run to one host.
  const count = 140;
  const steps = [{ action: slow.url('/slow'), compensate: '' }];
  for (let i = 0; i < count; i++) {
    const saga = { gid: `slow-${i}`, trans_type: 'saga', steps, payloads: ['{}'], request_timeout: 60 };
    await server.dtm('submit', saga);
  }
  await expect.poll(() => held.length, { timeout: 30_000 }).toBe(count);
  expect(new Set(held.map(({ socket }) => socket)).size).toBe(count);
  for (const response of held) response.end('{"dtm_result":"SUCCESS"}');
});
