import { afterEach, describe, expect, it, vi } from 'vitest';
import type { DtmService, Invoke } from '@holdfast/api';
import { jsonRpcRoute } from '../src/http/json-rpc.ts';
import type { Route, RouteRequest } from '../src/http/router.ts';
import { v1Routes } from '../src/http/v1-routes.ts';

const ITEMS = Array.from({ length: 20_000 }, (_, index) => `"branch ${index}"`).join(',');
const LONG = `{"branches":[${ITEMS}]}`;

const request = (body: string): RouteRequest =>
  ({ context: {}, query: new URLSearchParams(), params: ['t1'], body }) as unknown as RouteRequest;

/** The length of the longest text that `JSON.parse` is called with. */
function longestParsed(): () => number {
  const spy = vi.spyOn(JSON, 'parse');
  return () => Math.max(...spy.mock.calls.map(([text]) => text.length));
}

afterEach(() => void vi.restoreAllMocks());

describe('a long body of the API is parsed in pieces, to the same value', () => {
  const received: unknown[] = [];
  const receive: Invoke = (_context, { body }) => {
    received.push(body);
    return Promise.resolve({});
  };
  const routes = v1Routes({ invokeOf: () => receive }).filter(({ readsBody }) => readsBody);

  it.each(routes.map((route): [string, Route] => [`${route.method} ${route.path}`, route]))('%s', async (_, route) => {
    received.length = 0;
    const longest = longestParsed();
    await route.run(request(LONG));
    if (route.path.endsWith('heartbeat')) return expect(received).toEqual([undefined]);
    expect(longest()).toBeLessThan(LONG.length / 4);
    expect(received).toEqual([JSON.parse(LONG)]);
  });
});

it('a long body of JSON-RPC that is wrong is not parsed a second time at once, and its fault is described', async () => {
  const route = jsonRpcRoute({ invokeOf: () => undefined } as unknown as DtmService, () => {});
  const wrong = `{"a":x,"branches":[${ITEMS}]}`;
  const longest = longestParsed();
  const { status, body } = await route.run(request(wrong));
  expect(longest()).toBeLessThan(wrong.length / 4);
  expect(status).toBe(400);
  expect(body).toContain('the body is not JSON: unexpected \\"x\\" at position 5');
});
