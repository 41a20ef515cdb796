import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { request } from 'undici';
import { expect, it } from 'vitest';
import { branch } from '../../src/participants/node-http.ts';
import { participantSuite, type Serve } from './suite.ts';

const serve: Serve = async (handler, options) => {
  const listener = branch(handler, options);
  const server = createServer((incoming, response) => void listener(incoming, response));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
};

participantSuite('node:http', serve);

it('a participant on node:http refuses other methods', async () => {
  const server = await serve(() => {}, { onError: () => {} });
  const response = await request(`${server.url}/debit?gid=g&trans_type=saga&branch_id=01&op=action`, {
    method: 'DELETE',
  });
  await response.body.dump();
  expect(response.statusCode).toBe(405);
  await server.close();
});
