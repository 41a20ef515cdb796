import { afterEach, expect, it } from 'vitest';
import { freePort } from '@holdfast/testing/servers';
import { describeWith } from '@holdfast/testing/describe-with';
import { BreakingNodes, type FirstResponse } from './support/breaking-nodes.ts';
import { Nginx } from './support/nginx.ts';

const open: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.close();
});

async function behindNginx(first: FirstResponse): Promise<{ nodes: BreakingNodes; url: string }> {
  const nodes = await BreakingNodes.start(first);
  open.push(nodes);
  const nginx = await Nginx.start(await freePort(), nodes.ports);
  open.push({ close: () => nginx.stop() });
  return { nodes, url: nginx.url };
}

const AGAIN = [
  'POST /api/dtmsvr/submit',
  'POST /api/dtmsvr/registerBranch',
  'POST /api/json-rpc',
  'POST /api/v1/transactions/order-1/submit?waitMs=100',
  'GET /api/v1/transactions/order-1?waitMs=100',
  'PUT /api/v1/topics/paid/subscribers',
  'DELETE /api/dtmsvr/topic/paid',
];
const ONCE = [
  'POST /api/v1/transactions',
  'POST /api/v1/transactions?waitMs=100',
  'POST /api/v1/transactions/order-1/stop',
  'POST /api/dtmsvr/forceStop',
];

const send = (url: string, call: string, body?: string): Promise<Response> => {
  const [method = '', path = ''] = call.split(' ');
  return fetch(url + path, { method, ...(method !== 'GET' && { body: body ?? '{"gid":"order-1"}' }) });
};

describeWith(['nginx'], 'deploy/nginx/holdfast.conf', () => {
  it.each(AGAIN)('sends %s to the other coordinator when the first one crashes during the call', async (call) => {
    const { nodes, url } = await behindNginx('cut off');
    expect((await send(url, call)).status).toBe(200);
    expect(nodes.seen.map((seen) => seen.call)).toEqual([call, call]);
    expect(nodes.seen[1]?.body).toBe(nodes.seen[0]?.body);
  });

  it.each(ONCE)('does not send %s again, since it could be carried out twice', async (call) => {
    const { nodes, url } = await behindNginx('cut off');
    expect((await send(url, call)).status).toBe(502);
    expect(nodes.seen).toHaveLength(1);
  });

  it('sends only repeatable calls to the other coordinator when one is shutting down', async () => {
    const submit = await behindNginx(503);
    expect((await send(submit.url, 'POST /api/dtmsvr/submit')).status).toBe(200);
    expect(submit.nodes.seen).toHaveLength(2);
    const create = await behindNginx(503);
    const refused = await send(create.url, 'POST /api/v1/transactions');
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([503, '1']);
  });

  it('passes the caller’s Host header and address on to the coordinator', async () => {
    const { nodes, url } = await behindNginx(503);
    await send(url, 'GET /api/v1/nodes');
    const { host } = new URL(url);
    expect(nodes.seen[0]?.headers).toMatchObject({
      host,
      'x-forwarded-for': '127.0.0.1',
      'x-real-ip': '127.0.0.1',
      'x-forwarded-proto': 'http',
      'x-forwarded-host': host,
    });
  });

  it('passes on bodies that a coordinator accepts, and the response to a body that it rejects', async () => {
    const { nodes, url } = await behindNginx(503);
    await send(url, 'POST /api/dtmsvr/submit', 'x'.repeat(4 * 1024 * 1024 + 1));
    expect(nodes.seen.map(({ body }) => body.length)).toEqual([4 * 1024 * 1024 + 1, 4 * 1024 * 1024 + 1]);
    expect((await send(url, 'POST /api/dtmsvr/submit', 'x'.repeat(6 * 1024 * 1024))).status).toBe(413);
  });

  it('does not expose the metrics of a single coordinator', async () => {
    const { nodes, url } = await behindNginx(503);
    expect((await send(url, 'GET /api/metrics')).status).toBe(404);
    expect(nodes.seen).toEqual([]);
  });
});
