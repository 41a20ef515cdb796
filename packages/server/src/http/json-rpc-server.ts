import { setImmediate } from 'node:timers/promises';
import type { CallContext } from '@holdfast/core';
import { JSON_RPC_CODES, jsonItems, jsonItemsInPieces } from '@holdfast/protocol';
import { checkJsonBounds } from '@holdfast/api';
import { type RpcResponse, responseText, failed, replyTo } from './json-rpc-response.ts';
import { idTextOf, type Placed } from './json-rpc-id.ts';
import { faultOf, inTurns, isLong, nextTurn, parseInTurns } from './json-text.ts';
import { JSON_TYPE, type Reply, textReply } from './reply.ts';

/** Maximum number of requests in a batch. */
export const MAX_RPC_BATCH = 100;
/** Number of requests of a batch, and of their characters, started per turn of the event loop. */
const BATCH_SLICE = 10;
const BATCH_SLICE_CHARACTERS = 8 * 1024;

/** Carries out one request. Never rejects. */
export type Method = (context: CallContext, params: unknown) => Promise<RpcResponse>;

/** What the requests of a body need. */
export interface RpcService {
  readonly methods: ReadonlyMap<string, Method>;
  /** Why a request of a batch, other than the first one, is rejected; undefined: it is not. */
  readonly overLimit: (context: CallContext) => RpcResponse | undefined;
}

/**
 * Serves a body of JSON-RPC 2.0, a request or a batch. The HTTP status is 200 for every result or
 * error, and 400 only if the body is not JSON. The caller of each method must learn that the change
 * is durable, so a request without an ID, which would get no response, is rejected.
 */
export async function serveJsonRpc(service: RpcService, context: CallContext, body: string): Promise<Reply> {
  const request = isLong(body) ? await parseLong(body) : parse(body);
  if (request === UNPARSABLE) return replyTo(400, failed(JSON_RPC_CODES.unparsable, faultOf(body)));
  if (!Array.isArray(request))
    return textReply(200, await respond(service, context, { request, body, start: 0 }), JSON_TYPE);
  return respondToBatch(service, context, request, body);
}

const UNPARSABLE = Symbol('unparsable');

function parse(body: string): unknown {
  checkJsonBounds(body);
  try {
    return JSON.parse(body);
  } catch {
    return UNPARSABLE;
  }
}

/** `parse` for a long body; other events are handled in between. */
async function parseLong(body: string): Promise<unknown> {
  await nextTurn();
  checkJsonBounds(body);
  await nextTurn();
  try {
    const request = await parseInTurns(body);
    await nextTurn();
    return request;
  } catch {
    return UNPARSABLE;
  }
}

async function respond(
  { methods }: RpcService,
  context: CallContext,
  placed: Placed,
  rejection?: RpcResponse,
): Promise<string> {
  const found = idTextOf(placed);
  const id = found instanceof Promise ? await found : found;
  return responseText(id ?? 'null', rejection ?? (await call(methods, context, placed.request, id)));
}

async function call(
  methods: ReadonlyMap<string, Method>,
  context: CallContext,
  request: unknown,
  id: string | undefined,
): Promise<RpcResponse> {
  if (typeof request !== 'object' || request === null || !('jsonrpc' in request) || request.jsonrpc !== '2.0')
    return failed(JSON_RPC_CODES.badRequest, 'not a JSON-RPC 2.0 request: it must be an object with "jsonrpc": "2.0"');
  if (id === undefined)
    return failed(
      JSON_RPC_CODES.badRequest,
      'id must be a string, a number or null; requests without an id (notifications) are not supported',
    );
  const name = 'method' in request ? request.method : undefined;
  const method = typeof name === 'string' ? methods.get(name) : undefined;
  if (method === undefined)
    return failed(JSON_RPC_CODES.unknownMethod, `there is no such method; there are ${[...methods.keys()].join(', ')}`);
  return method(context, 'params' in request ? request.params : {});
}

/** Requests with the same gid are executed in their order, others concurrently. */
async function respondToBatch(
  service: RpcService,
  context: CallContext,
  requests: readonly unknown[],
  body: string,
): Promise<Reply> {
  if (requests.length === 0 || requests.length > MAX_RPC_BATCH) {
    const fault = `a batch has 1 to ${MAX_RPC_BATCH} requests, this one ${requests.length}`;
    return replyTo(200, failed(JSON_RPC_CODES.badRequest, fault));
  }
  const previous = new Map<string, Promise<string>>();
  const spans = isLong(body) ? await inTurns(jsonItemsInPieces(body)) : jsonItems(body);
  if (isLong(body)) await nextTurn();
  const responses: Promise<string>[] = [];
  let [begun, characters] = [0, 0];
  for (const [index, request] of requests.entries()) {
    if (begun === BATCH_SLICE || characters > BATCH_SLICE_CHARACTERS) {
      await setImmediate();
      [begun, characters] = [0, 0];
    }
    const { start, end } = spans[index] ?? { start: 0, end: 0 };
    begun++;
    characters += end - start;
    const gid = gidOf(request);
    const before = gid === undefined ? undefined : previous.get(gid);
    const rejection = index === 0 ? undefined : service.overLimit(context);
    const one = (async () => {
      await before;
      return respond(service, context, { request, body, start }, rejection);
    })();
    if (gid !== undefined) previous.set(gid, one);
    responses.push(one);
  }
  return textReply(200, `[${(await Promise.all(responses)).join(',')}]`, JSON_TYPE);
}

function gidOf(request: unknown): string | undefined {
  const params = typeof request === 'object' && request !== null && 'params' in request ? request.params : undefined;
  const gid = typeof params === 'object' && params !== null && 'gid' in params ? params.gid : undefined;
  return typeof gid === 'string' ? gid : undefined;
}
