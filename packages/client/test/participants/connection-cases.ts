import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { BranchFailure } from '@holdfast/protocol';
import { Client } from 'undici';
import { expect, it, onTestFinished, vi } from 'vitest';
import { CALL, json, type Participant } from './harness.ts';

/** A request as its bytes go onto the connection. */
const request = (path: string, body: string, headers = ''): string =>
  `POST ${path} HTTP/1.1\r\nhost: bank\r\ncontent-type: application/json\r\n${headers}content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;

/** What happens to the connection of a call: it breaks, is used again, or the server closes. */
export function connectionCases<Route>({ branch, served, callOf }: Participant<Route>): void {
  async function socketTo(url: string): Promise<{ socket: Socket; path: string }> {
    const { hostname, port, pathname } = new URL(url);
    const socket = connect(Number(port), hostname).on('error', () => {});
    onTestFinished(() => void socket.destroy());
    await once(socket, 'connect');
    return { socket, path: `${pathname}?${CALL}` };
  }

  it('a connection serves the next call after any response', async () => {
    const calls: unknown[] = [];
    const route = branch<{ fail: string }>(
      ({ payload }) => {
        calls.push(payload);
        if (payload?.fail === 'refuse') throw new BranchFailure('no');
        if (payload?.fail === 'bug') throw new Error('bug');
      },
      { onError: () => {} },
    );
    const url = new URL(await served(route));
    const client = new Client(url.origin, { pipelining: 1 });
    onTestFinished(() => client.destroy());
    const statuses: number[] = [];
    const long = JSON.stringify('x'.repeat(2 * 1024 * 1024));
    for (const [method, query, body] of [
      ['POST', CALL, '{"fail":"refuse"}'],
      ['POST', CALL, '{"fail":"bug"}'],
      ['POST', CALL, '{"torn'],
      ['POST', 'gid=g', '{}'],
      ['HEAD', CALL, undefined],
      ['POST', CALL, long],
      ['POST', CALL, '{"fail":"no"}'],
    ] as const) {
      const response = await client.request({
        method,
        path: `${url.pathname}?${query}`,
        headers: body === undefined ? {} : { 'content-type': 'application/json' },
        body: body ?? null,
      });
      await response.body.dump();
      statuses.push(response.statusCode);
    }
    // HEAD: 404 where the framework does not route it (Fastify 4).
    expect(statuses).toEqual([409, 500, 400, 400, expect.toBeOneOf([405, 404]), 413, 200]);
    expect(calls).toEqual([{ fail: 'refuse' }, { fail: 'bug' }, { fail: 'no' }]);
  });

  it('responds to pipelined calls in their order', async () => {
    const { socket, path } = await socketTo(await served(branch((call) => call.payload)));
    let received = '';
    socket.on('data', (bytes: Buffer) => (received += bytes.toString()));
    socket.write(request(path, '{"n":1}') + request(path, '{"n":2}') + request(path, '{"n":3}'));
    await vi.waitFor(() => expect(received.match(/"n":\d/g)).toEqual(['"n":1', '"n":2', '"n":3']));
  });

  it('responds to a call that waits for "100 Continue"', async () => {
    const { socket, path } = await socketTo(await served(branch((call) => call.payload)));
    let received = '';
    socket.on('data', (bytes: Buffer) => (received += bytes.toString()));
    socket.write(request(path, '{"n":1}', 'expect: 100-continue\r\n').replace('{"n":1}', ''));
    await vi.waitFor(() => expect(received).toContain('100 Continue'));
    socket.write('{"n":1}');
    await vi.waitFor(() => expect(received).toContain('"n":1'));
  });

  it('does not call the handler when the connection breaks within the body, and serves the next call', async () => {
    const payloads: unknown[] = [];
    const url = await served(branch((call) => void payloads.push(call.payload), { onError: () => {} }));
    for (const sent of ['{"amount"', '{"amount":30}']) {
      const { socket, path } = await socketTo(url);
      // A complete JSON text, but fewer bytes than announced.
      socket.write(request(path, '{"amount":30}             ').slice(0, -26) + sent);
      await new Promise((resolve) => setImmediate(resolve));
      socket.destroy();
    }
    expect((await callOf(url, { body: '{"amount":1}' })).status).toBe(200);
    expect(payloads).toEqual([{ amount: 1 }]);
  });

  it('ends the work of a call whose caller is gone, and serves the next call', async () => {
    const ended: unknown[] = [];
    let release = (): void => {};
    const held = new Promise<void>((resolve) => (release = resolve));
    const errors: unknown[] = [];
    const url = await served(
      branch<{ n: number }>(
        async ({ payload: { n } }) => {
          ended.push(`begun ${n}`);
          if (n === 1) await held;
          ended.push(`ended ${n}`);
        },
        { onError: (error) => errors.push(error) },
      ),
    );
    const { socket, path } = await socketTo(url);
    socket.write(request(path, '{"n":1}'));
    await vi.waitFor(() => expect(ended).toEqual(['begun 1']));
    socket.destroy();
    await once(socket, 'close');
    expect((await callOf(url, { body: '{"n":2}' })).status).toBe(200);
    release();
    await vi.waitFor(() => expect(ended).toContain('ended 1'));
    expect((await callOf(url, { body: '{"n":3}' })).status).toBe(200);
    expect(errors).toEqual([]);
  });

  it('passes over headers that proxies add', async () => {
    const url = await served(branch((call) => call.payload));
    const headers = {
      'x-forwarded-for': '10.0.0.1, 10.0.0.2',
      'x-forwarded-host': 'public.example',
      'x-forwarded-proto': 'https',
      forwarded: 'for=10.0.0.1;host=public.example;proto=https',
      'x-http-method-override': 'DELETE',
      'x-original-url': '/elsewhere?gid=other',
      'x-rewrite-url': '/elsewhere?gid=other',
      via: '1.1 proxy',
      'accept-encoding': 'gzip, br',
      accept: 'text/html',
    };
    const response = await callOf(url, { headers });
    expect([response.status, json(response.text)?.['result']]).toEqual([200, { amount: 30 }]);
  });
}
