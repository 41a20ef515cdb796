import { text } from 'node:stream/consumers';
import { expect, onTestFinished, test } from 'vitest';
import { runClosedLoop } from '../src/load/closed-loop.ts';
import { serve } from './branch-server.ts';

const SUCCESS = '{"dtm_result":"SUCCESS"}';

test('posts everything once, never more at a time than it has connections', async () => {
  const bodies: string[] = [];
  let [now, most] = [0, 0];
  const { origin, close } = await serve((request, response) => {
    most = Math.max(most, (now += 1));
    void text(request).then((body) => {
      bodies.push(body);
      now -= 1;
      response.end(SUCCESS);
    });
  });
  onTestFinished(close);
  const next = (n: number) => (n <= 50 ? { path: '/submit', body: `saga ${n}` } : undefined);
  const result = await runClosedLoop({ target: origin, connections: 4, seconds: 60, next });
  expect(result).toMatchObject({ completed: 50, statusErrors: 0, bodyErrors: 0, socketErrors: 0 });
  expect(new Set(bodies).size).toBe(50);
  expect(bodies).toHaveLength(50);
  expect(most).toBeLessThanOrEqual(4);
});

test('distinguishes an HTTP error, a response without success, and a broken connection', async () => {
  const { origin, close } = await serve((request, response) => {
    request.resume();
    if (request.url === '/refused') response.writeHead(409).end(SUCCESS);
    else if (request.url === '/unfinished') response.end('{"dtm_result":"ONGOING"}');
    else if (request.url === '/moved') response.writeHead(302).end(SUCCESS);
    else if (request.url === '/broken') request.socket.destroy();
    else response.end(SUCCESS);
  });
  onTestFinished(close);
  const paths = ['/refused', '/unfinished', '/moved', '/broken', '/fine'];
  const next = (n: number) => {
    const path = paths[n - 1];
    return path === undefined ? undefined : { path, body: 'x' };
  };
  const result = await runClosedLoop({ target: origin, connections: 1, seconds: 60, next });
  expect(result).toMatchObject({ completed: 1, statusErrors: 1, bodyErrors: 2, socketErrors: 1 });
});
