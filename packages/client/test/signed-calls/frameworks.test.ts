import { createServer, type IncomingMessage } from 'node:http';
import { createAdaptorServer } from '@hono/node-server';
import {
  CallSigner,
  grpcTarget,
  parseSigningKeys,
  type SignatureFields,
  type SignedRequest,
} from '@holdfast/protocol/signing';
import { resultOfGrpc } from '@holdfast/protocol';
import express from 'express';
import Fastify, { fastify } from 'fastify';
import Fastify4 from 'fastify-4';
import { Hono } from 'hono';
import { Hono as OldestHono } from 'hono-oldest';
import { request } from 'undici';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { BranchCallContext, BranchOptions, ErrorOptions, ServeOptions } from '../../src/participants/call.ts';
import * as onExpress from '../../src/participants/express.ts';
import * as onFastify from '../../src/participants/fastify.ts';
import * as onGrpc from '../../src/participants/grpc.ts';
import * as onHono from '../../src/participants/hono.ts';
import * as onNode from '../../src/participants/node-http.ts';
import { FakeBarrier } from '../participants/fake-barrier.ts';
import { grpcCall, grpcServer, metadataOf } from '../participants/grpc-framework.ts';
import type { Served } from '../participants/harness.ts';
import { listening } from '../participants/listening.ts';
import { expressSetups, fastifySetups, honoSetups } from '../participants/served-by.ts';
import { OTHER_SECRET, SECRET } from './keys.ts';

const PATH = '/debit?gid=g%201&trans_type=saga&branch_id=01&op=action';
const BODY = '{"amount": 30}';
const JSON_HEADERS = { 'content-type': 'application/json' };

/** A framework's participant that verifies its calls, behind one set-up of an application. */
interface Verifying {
  branch(handler: (call: BranchCallContext) => unknown, options: BranchOptions<unknown>): Promise<Served>;
  checkBack(options: ServeOptions): Promise<Served>;
}

const verifying = <Route>(
  module: {
    readonly branch: (handler: (call: BranchCallContext) => unknown, options: BranchOptions<unknown>) => Route;
    readonly checkBack: (barrier: FakeBarrier, options: ServeOptions) => Route;
  },
  serve: (route: Route) => Promise<Served>,
): Verifying => ({
  branch: (handler, given) => serve(module.branch(handler, given)),
  checkBack: (given) => serve(module.checkBack(new FakeBarrier(), given)),
});

const EXPRESS = expressSetups(express);
const FASTIFY = fastifySetups(fastify);
const HONO = honoSetups({ Hono, createAdaptorServer });
const onExpressAfter = (parser: express.RequestHandler) => (route: onExpress.ExpressHandler) =>
  listening(createServer(express().use(parser).get('/debit', route).post('/debit', route)));

const SETUPS: Readonly<Record<string, Verifying>> = {
  'node:http': verifying(onNode, (route) =>
    listening(createServer((incoming, response) => void route(incoming, response))),
  ),
  Express: verifying(onExpress, EXPRESS['Express']!),
  'Express after express.json({ verify: keepRawBody })': verifying(
    onExpress,
    onExpressAfter(express.json({ limit: '2mb', verify: onExpress.keepRawBody })),
  ),
  'Express after express.raw()': verifying(onExpress, EXPRESS['Express with express.raw()']!),
  'Fastify with branchBodies': verifying(onFastify, FASTIFY['Fastify']!),
  'Fastify with raw bodies': verifying(onFastify, FASTIFY['Fastify with raw bodies']!),
  Hono: verifying(onHono, HONO['Hono']!),
  'Hono after arrayBuffer()': verifying(onHono, HONO['Hono behind a middleware that reads arrayBuffer()']!),
  'Hono after text()': verifying(onHono, HONO['Hono behind a middleware that reads text()']!),
  'Hono after json()': verifying(onHono, HONO['Hono behind a middleware that reads json()']!),
  'Hono after blob()': verifying(onHono, HONO['Hono behind a middleware that reads blob()']!),
};

const signer = new CallSigner(() => parseSigningKeys(SECRET), 'process', Date.now);

const SIGNED: SignedRequest = { id: 'g%201.01.action.1', method: 'POST', target: PATH, host: 'bank', body: BODY };

const sign = (changes: Partial<SignedRequest> = {}): SignatureFields => signer.sign({ ...SIGNED, ...changes });

/** Options with a note of each error, and a window of one minute. */
function options(): BranchOptions<unknown> & { readonly errors: string[] } {
  const errors: string[] = [];
  const onError: ErrorOptions['onError'] = (error) => errors.push(String(error));
  return { verify: { keys: [OTHER_SECRET, SECRET], toleranceMs: 60_000 }, onError, errors };
}

interface Sent {
  readonly path?: string;
  readonly method?: string;
  readonly body?: string | null;
  readonly headers?: Readonly<Record<string, string>>;
}

async function send({ url }: Served, { path = PATH, method = 'POST', body = BODY, headers = {} }: Sent = {}) {
  const response = await request(url + path, {
    method: method as 'POST',
    body,
    headers: { ...(body !== null && JSON_HEADERS), ...headers },
  });
  const text = await response.body.text();
  return { status: response.statusCode, message: (JSON.parse(text) as { message?: string }).message ?? '' };
}

describe.each(Object.entries(SETUPS))('a participant on %s that verifies calls', (_name, setup) => {
  async function serving() {
    const calls: unknown[] = [];
    const given = options();
    const server = await setup.branch(({ gid, payload }) => void calls.push([gid, payload]), given);
    onTestFinished(() => server.close());
    return { server, calls, errors: given.errors };
  }

  it('serves a call that is signed', async () => {
    const { server, calls } = await serving();
    expect(await send(server, { headers: sign() })).toMatchObject({ status: 200 });
    expect(calls).toEqual([['g 1', { amount: 30 }]]);
  });

  it('serves a signed call without a body, by POST and by GET', async () => {
    const { server, calls } = await serving();
    const empty = { body: null };
    expect(await send(server, { ...empty, headers: sign({ body: '' }) })).toMatchObject({ status: 200 });
    const get = { ...empty, method: 'GET', headers: sign({ method: 'GET', body: '' }) };
    expect(await send(server, get)).toMatchObject({ status: 200 });
    expect(calls).toEqual([
      ['g 1', undefined],
      ['g 1', undefined],
    ]);
  });

  it('serves a signed call whose body is almost 1 MB', async () => {
    const { server, calls } = await serving();
    const body = JSON.stringify(['ü'.repeat(500_000)]);
    expect(await send(server, { body, headers: sign({ body }) })).toMatchObject({ status: 200 });
    expect(calls).toHaveLength(1);
  });

  it('responds with 401 to a call without signatures, whatever else is wrong with it', async () => {
    const { server, calls, errors } = await serving();
    const missing = 'the call is not signed: header webhook-id is missing';
    expect(await send(server)).toEqual({ status: 401, message: missing });
    expect(await send(server, { path: '/debit', body: null })).toEqual({ status: 401, message: missing });
    expect([calls, errors]).toEqual([[], [`BadBranchCall: ${missing}`, `BadBranchCall: ${missing}`]]);
  });

  it('responds with 401 if the body, the path, the query or the method was changed', async () => {
    const { server, calls } = await serving();
    const changes = [
      { body: BODY.replace('30', '31') },
      { body: BODY.replace(' ', '') },
      { path: PATH.replace('action', 'compensate') },
      { path: `${PATH}&extra=1` },
      { path: '/debit?gid=g%201&branch_id=01&trans_type=saga&op=action' },
      { method: 'GET', body: null },
    ];
    for (const change of changes) {
      const { status, message } = await send(server, { ...change, headers: sign() });
      expect([status, message]).toEqual([401, expect.stringMatching(/signature|signed/)]);
    }
    expect(calls).toEqual([]);
  });

  it('serves the same request once', async () => {
    const { server, calls } = await serving();
    const headers = sign();
    const responses = [];
    for (let i = 0; i < 3; i++) responses.push((await send(server, { headers })).status);
    expect([responses, calls.length]).toEqual([[200, 401, 401], 1]);
  });

  it('responds with 401 to a call of another time, and names the difference of the clocks', async () => {
    const { server, calls } = await serving();
    const old = new CallSigner(
      () => parseSigningKeys(SECRET),
      'late',
      () => Date.now() - 3_600_000,
    );
    const { status, message } = await send(server, { headers: old.sign(SIGNED) });
    expect([status, message]).toEqual([401, expect.stringMatching(/timestamp is 36\d\d s behind the clock/)]);
    expect(calls).toEqual([]);
  });

  it('does not depend on the order or the case of the headers', async () => {
    const { server } = await serving();
    const headers = Object.fromEntries(
      Object.entries(sign())
        .toReversed()
        .map(([name, value]) => [name.toUpperCase(), value]),
    );
    expect(await send(server, { headers })).toMatchObject({ status: 200 });
  });

  it('verifies check-backs as well', async () => {
    const given = options();
    const server = await setup.checkBack(given);
    onTestFinished(() => server.close());
    const path = '/debit?gid=g&trans_type=msg&branch_id=00&op=msg';
    const get = { path, method: 'GET', body: null };
    expect(await send(server, get)).toMatchObject({ status: 401 });
    const headers = sign({ method: 'GET', target: path, body: '' });
    expect((await send(server, { ...get, headers })).status).not.toBe(401);
  });

  it('is not set up with a malformed key', () => {
    expect(() => setup.branch(() => {}, { verify: { keys: ['secret'] } })).toThrow('verify: keys[0] is not a key');
  });
});

describe('a participant whose framework has changed the body before', () => {
  const notVerifiable = async (server: Served, given: ReturnType<typeof options>, expected: string) => {
    onTestFinished(() => server.close());
    const { status, message } = await send(server, { headers: sign() });
    expect([status, message]).toEqual([500, expect.stringContaining(expected)]);
    expect(given.errors).toEqual([expect.stringContaining(expected)]);
  };

  it('on Express names keepRawBody, and does not run the handler', async () => {
    const given = options();
    const route = onExpress.branch(() => expect.fail('must not run'), given);
    await notVerifiable(await onExpressAfter(express.json())(route), given, 'express.json({ verify: keepRawBody })');
  });

  it('on Fastify names branchBodies, and does not run the handler', async () => {
    const given = options();
    const app = Fastify();
    app.post(
      '/debit',
      onFastify.branch(() => expect.fail('must not run'), given),
    );
    const server = { url: await app.listen({ host: '127.0.0.1', port: 0 }), close: () => app.close() };
    await notVerifiable(server, given, 'app.register(branchBodies)');
  });

  it('on an old Hono, which does not keep the bytes, names the middleware, and does not run the handler', async () => {
    const given = options();
    const route = onHono.branch(() => expect.fail('must not run'), given);
    const old = honoSetups({ Hono: OldestHono as unknown as typeof Hono, createAdaptorServer });
    const server = await old['Hono behind a middleware that reads json()']!(route);
    await notVerifiable(server, given, 'a middleware has read its body');
  });
});

describe('a participant whose framework changes the path before', () => {
  const path = `/bank${PATH}`;

  /** The statuses for a call that was signed for the path that is called, and for the one after. */
  async function statusesOf(server: Served): Promise<readonly number[]> {
    onTestFinished(() => server.close());
    const whole = await send(server, { path, headers: sign({ target: path }) });
    return [whole.status, (await send(server, { path, headers: sign() })).status];
  }
  const VERIFIED = [200, 401];

  it('verifies the path that was called: on Express below a router', async () => {
    const route = onExpress.branch(() => undefined, options());
    const app = express().use('/bank', express.Router().post('/debit', route));
    expect(await statusesOf(await listening(createServer(app)))).toEqual(VERIFIED);
  });

  it('verifies the path that was called: on Express after a middleware that rewrites it', async () => {
    const route = onExpress.branch(() => undefined, options());
    const app = express()
      .use((incoming, _response, next) => {
        incoming.url = incoming.url.replace('/bank', '');
        next();
      })
      .post('/debit', route);
    expect(await statusesOf(await listening(createServer(app)))).toEqual(VERIFIED);
  });

  it.each([
    ['Fastify', Fastify],
    ['Fastify 4', Fastify4 as unknown as typeof Fastify],
  ])('verifies the path that was called: on %s with rewriteUrl', async (_version, create) => {
    const rewriteUrl = ({ url = '' }: IncomingMessage): string => url.replace('/bank', '');
    const app = create({ rewriteUrl, forceCloseConnections: true });
    await app.register(onFastify.branchBodies);
    app.post(
      '/debit',
      onFastify.branch(() => undefined, options()),
    );
    const server = { url: await app.listen({ host: '127.0.0.1', port: 0 }), close: () => app.close() };
    expect(await statusesOf(server)).toEqual(VERIFIED);
  });

  it('verifies the path that was called: on node:http behind a router that keeps it as originalUrl', async () => {
    const route = onNode.branch(() => undefined, options());
    const router = createServer((incoming, response) => {
      const url = incoming.url ?? '';
      void route(Object.assign(incoming, { originalUrl: url, url: url.replace('/bank', '') }), response);
    });
    expect(await statusesOf(await listening(router))).toEqual(VERIFIED);
  });

  it('verifies the path that was called: on Hono below a route, and by the option target where the rest is a new request', async () => {
    const given = options();
    const route = onHono.branch(() => undefined, given);
    const served = (app: Hono) =>
      listening(createAdaptorServer({ fetch: app.fetch }) as ReturnType<typeof createServer>);
    expect(await statusesOf(await served(new Hono().route('/bank', new Hono().post('/debit', route))))).toEqual(
      VERIFIED,
    );
    expect(await statusesOf(await served(new Hono().basePath('/bank').post('/debit', route)))).toEqual(VERIFIED);
    const target = (received: string): string => `/bank${received}`;
    const mounted = onHono.branch(() => undefined, { ...given, verify: { keys: [SECRET], target } });
    const below = new Hono().post('/debit', mounted);
    const mount = (whole: Request) => below.fetch(new Request(whole.url.replace('/bank', ''), whole));
    const app = new Hono().all('/bank/*', (context) => mount(context.req.raw));
    expect(await statusesOf(await served(app))).toEqual(VERIFIED);
  });
});

describe('participants that share the object with the options', () => {
  it('share what they have received, and others do not', async () => {
    const verify = { keys: [SECRET] };
    const serve = async (own: BranchOptions<unknown>) => {
      const listener = onNode.branch(() => undefined, { ...own, onError: () => undefined });
      const server = await listening(createServer((incoming, response) => void listener(incoming, response)));
      onTestFinished(() => server.close());
      return server;
    };
    const [one, same, other] = [
      await serve({ verify }),
      await serve({ verify }),
      await serve({ verify: { ...verify } }),
    ];
    const headers = sign();
    const statuses = [];
    for (const server of [one, same, other]) statuses.push((await send(server, { headers })).status);
    expect(statuses).toEqual([200, 401, 200]);
  });
});

describe('a participant on gRPC that verifies calls', () => {
  const QUERY = 'gid=g 1&trans_type=saga&branch_id=01&op=action';
  const fields = Object.entries({ gid: 'g 1', trans_type: 'saga', branch_id: '01', op: 'action' });
  const target = grpcTarget('/bank.Bank/Debit', fields);

  async function serving() {
    const calls: unknown[] = [];
    const given = options();
    const { address, close } = await grpcServer((server) =>
      onGrpc.addBranches(server, 'bank.Bank', {
        Debit: onGrpc.branch(({ gid, payload }) => void calls.push([gid, payload]), given),
        Credit: onGrpc.branch(() => expect.fail('must not run'), given),
      }),
    );
    onTestFinished(close);
    const call = (signed?: SignatureFields, { query = QUERY, body = BODY, method = 'Debit', more = {} } = {}) => {
      const metadata = metadataOf(query);
      for (const [name, value] of Object.entries({ ...signed, ...more })) metadata.set(name, value);
      return grpcCall(`${address}/bank.Bank/${method}`, metadata, Buffer.from(body));
    };
    return { call, calls };
  }
  const UNAUTHENTICATED = 16;

  it('serves a call whose message, method and metadata are signed, once', async () => {
    const { call, calls } = await serving();
    const signed = sign({ target });
    expect(await call(signed)).toMatchObject({ code: 0 });
    expect(await call(signed)).toMatchObject({
      code: UNAUTHENTICATED,
      details: expect.stringContaining('received before'),
    });
    expect(await call(sign({ target, body: '' }), { body: '' })).toMatchObject({ code: 0 });
    expect(calls).toEqual([
      ['g 1', { amount: 30 }],
      ['g 1', undefined],
    ]);
  });

  it('ends any other call with UNAUTHENTICATED, which a coordinator retries', async () => {
    const { call, calls } = await serving();
    const ends = [
      await call(),
      await call(sign({ target }), { body: BODY.replace('30', '31') }),
      await call(sign({ target }), { method: 'Credit' }),
      await call(sign({ target }), { query: QUERY.replace('action', 'compensate') }),
      await call(sign({ target }), { query: QUERY.replace('saga', 'tcc') }),
      await call(sign({ target }), { more: { 'dtm-run': '1' } }),
      await call(sign()),
    ];
    expect(ends.map(({ code }) => code)).toEqual(ends.map(() => UNAUTHENTICATED));
    expect([ends[0]?.details, calls]).toEqual(['the call is not signed: header webhook-id is missing', []]);
    expect(resultOfGrpc(UNAUTHENTICATED, ends[0]?.details ?? '')).toMatchObject({ kind: 'UNKNOWN' });
  });

  it('verifies the callbacks of workflows as well', async () => {
    const { address, close } = await grpcServer((server) =>
      onGrpc.addWorkflowCallback(server, { runCallback: () => expect.fail('must not run') }, options()),
    );
    onTestFinished(close);
    const query = 'gid=g&trans_type=workflow&branch_id=00&op=transfer';
    const end = await grpcCall(`${address}/workflow.Workflow/Execute`, metadataOf(query), Buffer.alloc(0));
    expect(end.code).toBe(UNAUTHENTICATED);
  });
});
