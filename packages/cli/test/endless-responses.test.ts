import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { CoordinatorApi } from '../src/coordinator/coordinator-api.ts';
import { FakeApi } from './support/fake-api.ts';
import { runCli } from './support/run-cli.ts';

let api: FakeApi;
beforeEach(async () => {
  api = await new FakeApi().listen();
});
afterEach(() => api.close());

it('a command ends when the response arrives byte by byte and never ends', async () => {
  const server = createServer((_, response) => {
    response.writeHead(200, { 'content-type': 'application/json' });
    const dripping = setInterval(() => response.write(' '), 5);
    response.on('close', () => clearInterval(dripping));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const dripping = new CoordinatorApi(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, 200);
  await expect(dripping.call('listNodes', {})).rejects.toMatchObject({
    exitCode: 3,
    message: expect.stringContaining('no coordinator responds at') as string,
  });
  await dripping.close();
  server.closeAllConnections();
  server.close();
});

it.each(['topics list', 'list --all', 'list', 'list --all --cursor same'])(
  '%s ends when the next page is the same page again',
  async (command) => {
    api.breakage = { status: 200, body: '{"items":[],"next":"same"}' };
    const { err, exitCode } = await runCli([...command.split(' '), '--server', api.url]);
    expect([exitCode, err.length]).toEqual([3, 1]);
    expect(err[0]).toContain('is not a Holdfast coordinator');
    expect(api.requests.length).toBeLessThanOrEqual(2);
  },
);
