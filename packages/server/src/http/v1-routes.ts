import { type ApiV1, payloadTextsInPieces, QueryReader, withPayloadTexts } from '@holdfast/runtime';
import { inTurns, isLong, nextTurn, parseJson, parseLongJson } from './json-text.ts';
import { problemReply } from './problem.ts';
import { jsonReply, longJsonReply, NO_CONTENT, type Reply } from './reply.ts';
import type { Route, RouteRequest } from './router.ts';

/**
 * Holdfast's own API (`@holdfast/protocol`, api-v1) over HTTP: maps paths, queries and JSON texts
 * to `ApiV1`.
 */
export const v1Routes = (api: ApiV1): readonly Route[] => [
  ...transactions(api),
  ...initiators(api),
  ...orders(api),
  ...topics(api),
  ...operations(api),
];

type Run = (request: RouteRequest) => Promise<Reply>;

const route = (method: Route['method'], path: string, run: Run, readsBody = false): Route => ({
  method,
  path: `/api/v1${path}`,
  readsBody,
  run,
  fail: problemReply,
});

/**
 * A GET whose response may have any length. A request that waits for a transaction to finish takes
 * no place, since it may take minutes.
 */
const getLong = (path: string, run: Run): Route => ({
  ...route('GET', path, run),
  takesPlace: (query) => !query.has('waitMs'),
});

const ok = (value: unknown): Reply => jsonReply(200, value);
/** A response that may have many branches or items. */
const okLong = (value: unknown): Reply => longJsonReply(200, value);

/** Parses a body with payloads. */
async function parseBody(body: string): Promise<unknown> {
  if (!isLong(body)) return withPayloadTexts(parseJson(body), body);
  const value = await inTurns(payloadTextsInPieces(await parseLongJson(body), body));
  await nextTurn();
  return value;
}

/** Parses a body without payloads. */
const parseShort = (body: string): unknown => (isLong(body) ? parseLongJson(body) : parseJson(body));
const parseOptional = (body: string): unknown => (body === '' ? undefined : parseShort(body));

/** How long the caller waits for the transaction to finish; 0: not at all. */
const waitMsOf = (query: URLSearchParams): number => new QueryReader(query).count('waitMs') ?? 0;

function transactions(api: ApiV1): readonly Route[] {
  return [
    route(
      'POST',
      '/transactions',
      async ({ context, query, body }) => ok(await api.create(context, await parseBody(body), waitMsOf(query))),
      true,
    ),
    getLong('/transactions', async ({ context, query }) => okLong(await api.list(context, query))),
    getLong('/transactions/:gid', async ({ context, query, params: [gid = ''] }) =>
      okLong(await api.get(context, gid, waitMsOf(query))),
    ),
    route(
      'POST',
      '/transactions/:gid/submit',
      async ({ context, query, params: [gid = ''], body }) =>
        ok(await api.submit(context, gid, await parseOptional(body), waitMsOf(query))),
      true,
    ),
  ];
}

/** Requests of the code that runs a tcc, xa or workflow while the transaction is prepared. */
function initiators(api: ApiV1): readonly Route[] {
  return [
    route(
      'POST',
      '/transactions/:gid/branches',
      async ({ context, params: [gid = ''], body }) => {
        await api.registerBranch(context, gid, await parseBody(body));
        return NO_CONTENT;
      },
      true,
    ),
    getLong('/transactions/:gid/progress', async ({ context, params: [gid = ''] }) =>
      okLong(await api.progress(context, gid)),
    ),
    route(
      'POST',
      '/transactions/:gid/finish',
      async ({ context, params: [gid = ''], body }) => ok(await api.finish(context, gid, await parseShort(body))),
      true,
    ),
    route(
      'POST',
      '/transactions/:gid/park',
      async ({ context, params: [gid = ''], body }) => ok(await api.park(context, gid, await parseShort(body))),
      true,
    ),
    route('POST', '/transactions/:gid/heartbeat', async ({ context, params: [gid = ''] }) => {
      await api.heartbeat(context, gid);
      return NO_CONTENT;
    }),
  ];
}

/** Operator commands; each responds with the changed transaction. */
function orders(api: ApiV1): readonly Route[] {
  return [
    route(
      'POST',
      '/transactions/:gid/abort',
      async ({ context, query, params: [gid = ''], body }) =>
        okLong(await api.abort(context, gid, await parseOptional(body), waitMsOf(query))),
      true,
    ),
    route(
      'POST',
      '/transactions/:gid/retry',
      async ({ context, query, params: [gid = ''] }) => okLong(await api.retry(context, gid, waitMsOf(query))),
      true,
    ),
    route(
      'POST',
      '/transactions/:gid/stop',
      async ({ context, query, params: [gid = ''], body }) =>
        okLong(await api.stop(context, gid, await parseOptional(body), waitMsOf(query))),
      true,
    ),
  ];
}

function topics(api: ApiV1): readonly Route[] {
  return [
    getLong('/topics', async ({ context, query }) => okLong(await api.topics(context, query))),
    route(
      'PUT',
      '/topics/:topic/subscribers',
      async ({ context, params: [topic = ''], body }) => {
        await api.subscribe(context, topic, await parseShort(body));
        return NO_CONTENT;
      },
      true,
    ),
    route('DELETE', '/topics/:topic/subscribers', async ({ context, params: [topic = ''], query }) => {
      await api.unsubscribe(context, topic, query.get('url') ?? '');
      return NO_CONTENT;
    }),
    route('DELETE', '/topics/:topic', async ({ context, params: [topic = ''] }) => {
      await api.deleteTopic(context, topic);
      return NO_CONTENT;
    }),
  ];
}

function operations(api: ApiV1): readonly Route[] {
  return [
    route('GET', '/nodes', async ({ context }) => ok(await api.nodes(context))),
    route('GET', '/status', async ({ context }) => ok(await api.status(context))),
  ];
}
