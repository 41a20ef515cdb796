import { describe, expect, it } from 'vitest';
import type { Coordinator } from '@holdfast/core';
import {
  API_ROOT,
  ERROR_CODES,
  HoldfastError,
  type Operation,
  OPERATION_NAMES,
  operationOf,
  type OperationName,
  pathFieldsOf,
} from '@holdfast/protocol';
import { type CallHooks, type CallName, DTM_OPERATIONS, type DtmOperationName, DtmService } from '@holdfast/api';
import { dtmRoutes } from '../src/http/dtm-routes.ts';
import { places } from '../src/http/places.ts';
import { DTM_REQUESTS, RPC_REQUESTS } from './support/dtm-requests.ts';
import { type TestResponse, TransportServer } from './support/running-server.ts';

/** The calls that the hooks have seen, and those that reached the coordinator. */
interface Seen {
  readonly observed: string[];
  readonly audited: string[];
  readonly traced: string[];
  readonly carriedOut: string[];
}

const NOTHING_SEEN = { observed: [], audited: [], traced: [], carriedOut: [] };

async function withHooks(
  allows: CallHooks['allows'],
  use: (server: TransportServer, seen: Seen) => Promise<void>,
): Promise<void> {
  const seen: Seen = structuredClone(NOTHING_SEEN);
  const hooks: CallHooks = {
    ...(allows !== undefined && { allows }),
    observe: (name) => (result) => void seen.observed.push(`${name} ${result}`),
    audit: ({ operation, result }) => void seen.audited.push(`${operation} ${result}`),
    trace: (name) => (result) => void seen.traced.push(`${name} ${result}`),
  };
  await using server = await TransportServer.start(coordinatorThatIsAway(seen.carriedOut), { hooks });
  await use(server, seen);
}

/** A coordinator whose every method records its name and fails. */
const coordinatorThatIsAway = (carriedOut: string[]): Coordinator =>
  new Proxy({} as Coordinator, {
    get: (_, method) => () => {
      carriedOut.push(String(method));
      throw new HoldfastError('unavailable', 'the store is away');
    },
  });

const DTM_CALLS = Object.entries(DTM_REQUESTS).flatMap(([name, requests]) =>
  requests.map((request) => [request.path, name as DtmOperationName, request] as const),
);
const RPC_CALLS = Object.entries(RPC_REQUESTS).map(([name, params]) => [name as DtmOperationName, params] as const);

function requestOf(operation: Operation): { method: string; path: string; body: unknown } {
  const { method } = operation;
  let path: string = API_ROOT + operation.path;
  for (const field of pathFieldsOf(operation)) path = path.replace(`:${field}`, 'x');
  return { method, path, body: method === 'POST' || method === 'PUT' ? {} : undefined };
}

const FROM_BROWSER = { 'sec-fetch-site': 'none' };
const JSON_TYPE = { 'content-type': 'application/json' };
/** Their requests have a body, which is measured but not parsed. */
const READS_NO_BODY: readonly string[] = ['sendHeartbeat'];

const takesPlace = (name: CallName): boolean =>
  name.startsWith('dtm.')
    ? ['dtm.query', 'dtm.all', 'dtm.scanKeyValues', 'dtm.queryKeyValue'].includes(name)
    : operationOf(name as OperationName).mayBeLong === true && operationOf(name as OperationName).kind === 'query';

/** Runs while every place for a long response is taken. */
async function withoutPlaces(run: () => Promise<void>): Promise<void> {
  const taken = Array.from({ length: 16 }, () => places.enter({ onGone: () => {} }));
  expect(taken.every((place) => place === undefined)).toBe(true);
  try {
    await run();
  } finally {
    for (const _ of taken) places.leave();
  }
}

const once = (name: CallName, result: string, isAudited: boolean) => ({
  observed: [`${name} ${result}`],
  traced: [`${name} ${result}`],
  audited: isAudited ? [`${name} ${result}`] : [],
});

describe('an interceptor that rejects a call', () => {
  const reject = () => false;

  it.each(DTM_CALLS)(
    'keeps REST %s from being carried out, and each hook sees the call once',
    async (_, name, call) => {
      await withHooks(reject, async (server, seen) => {
        const { status, json } = await server.request(call.method, call.path, call.body);
        expect([status, json.code]).toEqual([403, 'forbidden']);
        expect(json.dtm_result).toBeUndefined();
        expect(json.message).toContain(`dtm.${name} needs the role ${DTM_OPERATIONS[name].role}`);
        expect(seen).toEqual({ ...once(`dtm.${name}`, 'forbidden', DTM_OPERATIONS[name].audited), carriedOut: [] });
      });
    },
  );

  it.each(RPC_CALLS)(
    'keeps JSON-RPC %s from being carried out, and each hook sees the call once',
    async (name, params) => {
      await withHooks(reject, async (server, seen) => {
        const { status, json } = await server.rpc(name, params);
        expect([status, json.error.code]).toEqual([200, -32603]);
        expect(json.error.data).toMatchObject({ code: 'forbidden' });
        expect(seen).toEqual({ ...once(`dtm.${name}`, 'forbidden', DTM_OPERATIONS[name].audited), carriedOut: [] });
      });
    },
  );

  it.each(OPERATION_NAMES)(
    'keeps /api/v1 %s from being carried out, and each hook sees the call once',
    async (name) => {
      await withHooks(reject, async (server, seen) => {
        const { method, path, body } = requestOf(operationOf(name));
        const responded: TestResponse = await server.request(method, path, body);
        expect(responded.headers.get('content-type')).toBe('application/problem+json');
        expect([responded.status, responded.json.code]).toEqual([403, 'forbidden']);
        expect(seen).toEqual({ ...once(name, 'forbidden', operationOf(name).audited), carriedOut: [] });
      });
    },
  );
});

/** Every route of an operation with a valid request, and its name and descriptor. */
const ROUTES = [
  ...DTM_CALLS.map(([, name, { method, path, body }]) => ({
    route: `${method} ${path}`,
    name: `dtm.${name}` as CallName,
    audited: DTM_OPERATIONS[name].audited,
    request: { method, path, body },
  })),
  ...OPERATION_NAMES.map((name) => ({
    route: name,
    name: name as CallName,
    audited: operationOf(name).audited,
    request: requestOf(operationOf(name)),
  })),
];

const withParameter = (path: string, parameter: string): string =>
  `${path}${path.includes('?') ? '&' : '?'}${parameter}`;

describe('a request that is rejected before its call begins', () => {
  it.each(ROUTES)('is seen by each hook once, for its URL: $route', async ({ name, audited, request }) => {
    await withHooks(undefined, async (server, seen) => {
      const { method, path, body } = request;
      expect((await server.request(method, withParameter(path, 'x=%ff'), body)).status).toBe(400);
      expect(seen).toEqual({ ...once(name, 'invalid', audited), carriedOut: [] });
    });
  });

  it.each(ROUTES)('is forbidden first: $route', async ({ name, audited, request }) => {
    await withHooks(
      () => false,
      async (server, seen) => {
        const { method, path, body } = request;
        expect((await server.request(method, withParameter(path, 'x=%ff'), body)).status).toBe(403);
        expect(seen).toEqual({ ...once(name, 'forbidden', audited), carriedOut: [] });
      },
    );
  });

  const withBody = ROUTES.filter(({ request: { method, body } }) => body !== undefined && method !== 'GET');

  it.each(withBody)('is seen by each hook once, for its body: $route', async ({ name, audited, request, route }) => {
    await withHooks(undefined, async (server, seen) => {
      const body = 'x'.repeat(65 * 1024);
      expect((await server.request(request.method, request.path, body)).status).toBe(413);
      expect(seen).toEqual({ ...once(name, 'too_large', audited), carriedOut: [] });
      if (READS_NO_BODY.includes(route)) return;
      const notJson = await fetch(server.url + request.path, { method: request.method, body: '{', headers: JSON_TYPE });
      expect([notJson.status, seen.observed]).toEqual([400, [`${name} too_large`, `${name} invalid`]]);
    });
  });

  it.each(ROUTES.filter(({ name }) => takesPlace(name)))(
    'is seen by each hook once, when its deadline passes while it waits for a place: $route',
    async ({ name, audited, request }) => {
      await withHooks(undefined, async (server, seen) => {
        await withoutPlaces(async () => {
          const headers = { 'request-timeout-ms': '5' };
          expect((await fetch(server.url + request.path, { headers })).status).toBe(504);
        });
        expect(seen).toEqual({ ...once(name, 'deadline_exceeded', audited), carriedOut: [] });
      });
    },
  );

  it('is seen by each hook once, when too many wait for a place', async () => {
    await withHooks(undefined, async (server, seen) => {
      await withoutPlaces(async () => {
        const gone: (() => void)[] = [];
        const exchange = { onGone: (listener: () => void) => void gone.push(listener) };
        const waiting = Array.from({ length: 1_000 }, () => places.enter(exchange));
        expect((await server.request('GET', '/api/v1/topics')).status).toBe(503);
        for (const hangUp of gone) hangUp();
        expect(await waiting.at(-1)).toBe(false);
      });
      expect(seen).toEqual({ ...once('listTopics', 'overloaded', false), carriedOut: [] });
    });
  });

  it.each(OPERATION_NAMES.filter((name) => operationOf(name).waits === true))(
    'is seen by each hook once, for its time to wait: %s',
    async (name) => {
      await withHooks(undefined, async (server, seen) => {
        const { method, path, body } = requestOf(operationOf(name));
        expect((await server.request(method, `${path}?waitMs=soon`, body)).status).toBe(400);
        expect(seen).toEqual({ ...once(name, 'invalid', operationOf(name).audited), carriedOut: [] });
      });
    },
  );

  it.each([
    ['GET', 'query', 'query'],
    ['GET', 'all?limit=many', 'all'],
    ['GET', 'scanKV?cat=topics&limit=many', 'scanKeyValues'],
    ['POST', 'resetCronTime?timeout=soon', 'resetCronTime'],
  ] as const)("is seen by each hook once, for its parameters on dtm's wire: %s %s", async (method, path, name) => {
    await withHooks(undefined, async (server, seen) => {
      expect((await server.request(method, `/api/dtmsvr/${path}`)).status).toBe(400);
      expect(seen).toEqual({ ...once(`dtm.${name}`, 'invalid', DTM_OPERATIONS[name].audited), carriedOut: [] });
    });
  });

  it.each(RPC_CALLS.filter(([name]) => name !== 'newGid'))(
    'is seen by each hook once, for its parameters in JSON-RPC: %s',
    async (name) => {
      await withHooks(undefined, async (server, seen) => {
        expect((await server.rpc(name, { gid: 5 })).json.error.data).toMatchObject({ code: 'invalid' });
        expect(seen).toEqual({ ...once(`dtm.${name}`, 'invalid', DTM_OPERATIONS[name].audited), carriedOut: [] });
      });
    },
  );

  it('is seen by each hook once, for a browser that sends a GET which changes something', async () => {
    await withHooks(undefined, async (server, seen) => {
      const { status } = await server.request('GET', '/api/dtmsvr/resetCronTime?timeout=1', undefined, FROM_BROWSER);
      expect(status).toBe(403);
      expect(seen).toEqual({ ...once('dtm.resetCronTime', 'forbidden', true), carriedOut: [] });
    });
  });

  it('is in the audit log with the fields of its path', async () => {
    const inputs: unknown[] = [];
    const hooks: CallHooks = { audit: ({ input }) => void inputs.push(input) };
    await using server = await TransportServer.start({}, { hooks });
    await server.request('POST', '/api/v1/transactions/order-1/stop?x=%ff', {});
    expect(inputs).toEqual([{ gid: 'order-1' }]);
  });
});

describe('a call that is allowed', () => {
  const roles = (needed: readonly string[]) => (_: unknown, role: string) => needed.includes(role);
  /** They need no store. */
  const WITHOUT_STORE: readonly string[] = ['version'] satisfies readonly DtmOperationName[];

  it.each(DTM_CALLS)(
    'reaches the coordinator once over REST %s, with its result in each hook',
    async (_, name, call) => {
      await withHooks(roles([DTM_OPERATIONS[name].role]), async (server, seen) => {
        const { status } = await server.request(call.method, call.path, call.body);
        const isDone = WITHOUT_STORE.includes(name);
        expect(status).toBe(isDone ? 200 : 503);
        const { carriedOut, ...hooks } = seen;
        expect(carriedOut).toHaveLength(isDone ? 0 : 1);
        expect(hooks).toEqual(once(`dtm.${name}`, isDone ? 'ok' : 'unavailable', DTM_OPERATIONS[name].audited));
      });
    },
  );

  it.each(RPC_CALLS)('reaches the coordinator once over JSON-RPC %s', async (name, params) => {
    await withHooks(undefined, async (server, seen) => {
      await server.rpc(name, params);
      const { carriedOut, ...hooks } = seen;
      expect(carriedOut).toHaveLength(1);
      expect(hooks).toEqual(once(`dtm.${name}`, 'unavailable', DTM_OPERATIONS[name].audited));
    });
  });

  it.each(OPERATION_NAMES)('has its result in each hook for /api/v1 %s', async (name: OperationName) => {
    await withHooks(undefined, async (server, seen) => {
      const { method, path, body } = requestOf(operationOf(name));
      const { json } = await server.request(method, path, body);
      const { carriedOut: _, ...hooks } = seen;
      const result = json.code;
      expect(ERROR_CODES).toContain(result);
      expect(hooks).toEqual(once(name, result, operationOf(name).audited));
    });
  });
});

describe('the requests of these tests', () => {
  it("are those of all routes of dtm's REST", () => {
    const service = new DtmService({ coordinator: {} as Coordinator, version: '', defaultResetAfterMs: 0 });
    const routes = dtmRoutes(service).map(({ method, path }) => `${method} ${path.replace(':name', 'x')}`);
    const tested = DTM_CALLS.map(([path, , { method }]) => `${method} ${path.replace(/\?.*/, '')}`);
    expect(tested.toSorted()).toEqual(routes.toSorted());
    expect(Object.keys(DTM_REQUESTS).toSorted()).toEqual(Object.keys(DTM_OPERATIONS).toSorted());
  });

  it('are those of all methods of JSON-RPC', async () => {
    await withHooks(undefined, async (server) => {
      const { error } = (await server.rpc('none')).json;
      expect(error.message).toBe(`there is no such method; there are ${Object.keys(RPC_REQUESTS).join(', ')}`);
    });
  });
});
