import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, expect, it, onTestFinished } from 'vitest';
import { CoordinatorApi } from '../src/coordinator/coordinator-api.ts';
import { Paging } from '../src/coordinator/paging.ts';
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
  const dripping = new CoordinatorApi(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, {}, 200);
  await expect(dripping.call('listNodes', {})).rejects.toMatchObject({
    exitCode: 3,
    message: expect.stringMatching(/ended before its response was complete .*within 200 ms/) as string,
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

/** A server whose connections end in the middle of the response. */
async function cuttingServer(): Promise<string> {
  const server = createServer((_, response) => {
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': '1000' });
    response.write('{"items":[', () => response.destroy());
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

it.each([
  ['list', 'repeat the command'],
  ['abort order-1', 'the command may have been carried out'],
])('%s reports a response that ends in the middle', async (command, then) => {
  const server = await cuttingServer();
  const { err, exitCode } = await runCli([...command.split(' '), '--server', server]);
  expect([exitCode, err.length]).toEqual([3, 1]);
  expect(err[0]).toContain(`holdfast: the connection to ${server} ended before its response was complete (`);
  expect(err[0]).toContain(then);
});

it('a list ends when too many pages in a row are empty, although the cursor always changes', () => {
  const paging = new Paging('http://c', undefined, 3);
  const page = (next: string, ...items: string[]) => ({ items, next });
  expect([paging.follow(page('1')), paging.follow(page('2')), paging.follow(page('3', 'a'))]).toEqual([
    true,
    true,
    true,
  ]);
  expect([paging.follow(page('4')), paging.follow(page('5')), paging.cursor]).toEqual([true, true, '5']);
  expect(() => paging.follow(page('6'))).toThrow(
    /^3 pages in a row were empty, and the server at http:\/\/c always has/,
  );
  expect(new Paging('http://c').follow({ items: [], next: null })).toBe(false);
});
