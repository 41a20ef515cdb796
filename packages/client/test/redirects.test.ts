import { createServer } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { expect, it, onTestFinished, vi } from 'vitest';
import { connect, newGid } from '../src/index.ts';
import { SECRET } from './signed-calls/keys.ts';
import { coordinator, recorder } from './signed-calls/world.ts';

/** A server that redirects every request to another one, and the requests that both received. */
async function redirecting(status: number) {
  const target = await recorder();
  const server = await recorder((response) => response.writeHead(status, { location: target.url }).end());
  return { url: server.url, requests: server.received, followed: target.received };
}

it.each([301, 302, 303, 307, 308])('a redirect (%s) is followed by no call of a coordinator', async (status) => {
  const { url, requests, followed } = await redirecting(status);
  const config = { alertAfterRetries: 1, alertWebhook: `${url}/alert` };
  const { server, hf } = await coordinator(SECRET, config);
  const submit = async (path: string, body: object): Promise<string> => {
    const gid = newGid();
    const sent = JSON.stringify({ gid, payloads: ['{}'], ...body });
    const response = await fetch(`${server.url}/api/dtmsvr/${path}`, { method: 'POST', body: sent });
    expect(response.status).toBe(200);
    return gid;
  };
  const stepTo = (path: string) => ({ steps: [{ action: `${url}/${path}`, compensate: `${url}/undo` }] });
  const gids = [
    await submit('submit', { trans_type: 'saga', ...stepTo('action') }),
    await submit('submit', { trans_type: 'saga', protocol: 'json-rpc', ...stepTo('rpc?method=m') }),
    await submit('prepare', { trans_type: 'msg', query_prepared: `${url}/check`, timeout_to_fail: 1, ...stepTo('x') }),
    await submit('prepare', { trans_type: 'workflow', query_prepared: `${url}/callback`, timeout_to_fail: 1 }),
  ];
  const paths = () => new Set(requests.map(({ target }) => target.split('?', 1)[0]));
  const all = new Set(['/action', '/rpc', '/check', '/callback', '/alert']);
  await vi.waitFor(() => expect(paths()).toEqual(all), { timeout: 20_000 });
  const states = await Promise.all(gids.map(async (gid) => (await hf.get(gid))?.status));
  expect(states).toEqual(['submitted', 'submitted', 'prepared', 'prepared']);
  expect(followed).toEqual([]);
});

it('a redirect is followed by no call of the SDK: to a branch, or to a coordinator', async () => {
  const { url, requests, followed } = await redirecting(307);
  const { hf } = await coordinator(SECRET);
  await expect(hf.tcc((tx) => tx.call({ try: url, confirm: url, cancel: url }))).rejects.toThrow('HTTP 307');
  await using other = connect(url, { retryForMs: 0, drainMs: 0 });
  await expect(other.list()).rejects.toThrow();
  expect(requests.length).toBeGreaterThanOrEqual(2);
  expect(followed).toEqual([]);
});

it('a redirect is followed by no call over gRPC', async () => {
  const target = await recorder();
  let requests = 0;
  const server = createServer().on('stream', (stream) => {
    requests++;
    stream.respond({ ':status': 307, location: target.url }, { endStream: true });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const sessions = new Set<{ destroy(): void }>();
  server.on('session', (session) => sessions.add(session));
  onTestFinished(async () => {
    for (const session of sessions) session.destroy();
    await new Promise((resolve) => server.close(resolve));
  });
  const { hf } = await coordinator(SECRET);
  const action = `grpc://127.0.0.1:${(server.address() as AddressInfo).port}/bank.Bank/Call`;
  const { gid } = await hf.saga().step({ action, compensate: action }).submit();
  await vi.waitFor(() => expect(requests).toBeGreaterThan(1), { timeout: 20_000 });
  expect([(await hf.get(gid))?.status, target.received]).toEqual(['submitted', []]);
});
