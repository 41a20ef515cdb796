import type { ServerResponse } from 'node:http';
import { expect, it, onTestFinished } from 'vitest';
import { Participants } from '@holdfast/testing/participants';
import { TestServer } from './support/running-server.ts';

it('as many calls to one host are open at once as may run to it, each over a connection', async () => {
  // More than a pool of connections has by default.
  const count = 140;
  const server = await TestServer.start({ maxCallsPerDestination: count });
  onTestFinished(() => server[Symbol.asyncDispose]());
  const slow = await Participants.start();
  onTestFinished(() => slow[Symbol.asyncDispose]());
  const held: ServerResponse[] = [];
  slow.respond('/slow', (response) => void held.push(response));
  const steps = [{ action: slow.url('/slow'), compensate: '' }];
  for (let i = 0; i < count; i++) {
    const saga = { gid: `slow-${i}`, trans_type: 'saga', steps, payloads: ['{}'], request_timeout: 60 };
    await server.dtm('submit', saga);
  }
  await expect.poll(() => held.length, { timeout: 30_000 }).toBe(count);
  expect(new Set(held.map(({ socket }) => socket)).size).toBe(count);
  for (const response of held) response.end('{"dtm_result":"SUCCESS"}');
});
