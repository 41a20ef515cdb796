import { setImmediate } from 'node:timers/promises';
import type { CallContext } from '@holdfast/core';
import {
  ERROR_RULES,
  HoldfastError,
  JSON_RPC_CODES,
  jsonItems,
  jsonItemsInPieces,
  jsonMembers,
  jsonMembersInPieces,
  type JsonSpan,
  renderError,
} from '@holdfast/protocol';
import { checkJsonBounds, type Handlers } from '@holdfast/runtime';
import { DTM_NAMES } from '../dtm/field-names.ts';
import { outcomeOf, type Outcome, SUCCEEDED } from '../dtm/outcome.ts';
import { readAbort } from '../dtm/read-order.ts';
import { readRegistration } from '../dtm/read-branch.ts';
import { readSubmission, readTransaction } from '../dtm/read-transaction.ts';
import { faultOf, inTurns, isLong, nextTurn, parseInTurns } from './json-text.ts';
import { JSON_TYPE, type Reply, textReply } from './reply.ts';
import type { Route } from './router.ts';

/** Maximum number of requests in a batch. */
export const MAX_RPC_BATCH = 100;
/** Number of requests of a batch, and of their characters, started per turn of the event loop. */
const BATCH_SLICE = 10;
const BATCH_SLICE_CHARACTERS = 8 * 1024;

interface RpcError {
  readonly code: number;
  readonly message: string;
  readonly data?: Readonly<Record<string, unknown>>;
}

type Answer = { readonly result: unknown } | { readonly error: RpcError };

type Method = (context: CallContext, params: unknown) => Promise<Answer>;

/**
 * JSON-RPC 2.0 (protocol page, "JSON-RPC"). The HTTP status is 200 for every result or error, and
 * 400 only if the request cannot be parsed. The caller of each method must learn that the change is
 * durable, so a request without an ID, which would get no response, is rejected.
 */
export function jsonRpcRoute(handlers: Handlers, onDefect: (error: HoldfastError) => void): Route {
  const methods = new Map(
    Object.entries(methodsOf(handlers)).map(([name, method]) => [name, guarded(method, onDefect)]),
  );
  return {
    method: 'POST',
    path: '/api/json-rpc',
    readsBody: true,
    run: async ({ context, body }) => {
      const request = isLong(body) ? await parseLong(body) : parse(body);
      if (request === UNPARSABLE) return replyTo(400, failed(JSON_RPC_CODES.unparsable, faultOf(body)));
      if (!Array.isArray(request))
        return textReply(200, await answer(methods, context, { request, body, start: 0 }), JSON_TYPE);
      return answerBatch(methods, context, request, body);
    },
    fail: (error) =>
      replyTo(
        error.code === 'too_large' ? 413 : 400,
        failed(JSON_RPC_CODES.badRequest, renderError(error, DTM_NAMES).message),
      ),
  };
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

function methodsOf(handlers: Handlers): Readonly<Record<string, Method>> {
  return {
    newGid: async (context) => ({
      result: { gid: await handlers.newGid(context, undefined), dtm_result: 'SUCCESS' },
    }),
    prepare: async (context, params) => {
      await handlers.prepare(context, readTransaction(params));
      return SUCCESS;
    },
    submit: async (context, params) => {
      const submission = readSubmission(params);
      if (submission.kind === 'transaction')
        return answerOf(outcomeOf(submission.input.pattern, await handlers.submit(context, submission.input)));
      await handlers.finishWorkflow(context, submission.end);
      return answerOf(SUCCEEDED);
    },
    abort: async (context, params) => {
      await handlers.abort(context, readAbort(params));
      return SUCCESS;
    },
    registerBranch: async (context, params) => {
      try {
        await handlers.registerBranch(context, readRegistration(params));
        return SUCCESS;
      } catch (thrown) {
        const error = HoldfastError.from(thrown);
        if (error.code !== 'not_found') throw error;
        // A branch must not continue if its transaction does not exist: its client needs a FAILURE.
        return errorOf(error, JSON_RPC_CODES.failure);
      }
    },
  };
}

const SUCCESS: Answer = { result: { dtm_result: 'SUCCESS' } };
/** The method with its errors converted to responses. */
const guarded =
  (method: Method, onDefect: (error: HoldfastError) => void): Method =>
  async (context, params) => {
    try {
      return await method(context, params);
    } catch (thrown) {
      const error = HoldfastError.from(thrown);
      if (error.code === 'internal') onDefect(error);
      return errorOf(error, ERROR_RULES[error.code].jsonRpc);
    }
  };

function answerOf(outcome: Outcome): Answer {
  switch (outcome.kind) {
    case 'SUCCESS':
      return SUCCESS;
    case 'UNKNOWN':
      return failed(JSON_RPC_CODES.failed, outcome.message, { status: outcome.status });
    case 'FAILURE':
    case 'ONGOING': {
      const { message = '', ...data } = outcome.answer;
      return failed(outcome.kind === 'FAILURE' ? JSON_RPC_CODES.failure : JSON_RPC_CODES.ongoing, message, data);
    }
  }
}

function errorOf(error: HoldfastError, rpcCode: number): Answer {
  const { code, message, gid, field, status } = renderError(error, DTM_NAMES);
  return failed(rpcCode, message, { code, gid, field, status });
}

const failed = (code: number, message: string, data?: Readonly<Record<string, unknown>>): Answer => ({
  error: { code, message, ...(data !== undefined && { data }) },
});

/** A reply to a request whose ID could not be read. */
const replyTo = (status: number, said: Answer): Reply => textReply(status, answerText('null', said), JSON_TYPE);

const answerText = (id: string, said: Answer): string => `{"jsonrpc":"2.0","id":${id},${JSON.stringify(said).slice(1)}`;

/** A request and its position in the body. */
interface Placed {
  readonly request: unknown;
  readonly body: string;
  readonly start: number;
}

async function answer(methods: ReadonlyMap<string, Method>, context: CallContext, placed: Placed): Promise<string> {
  const found = idTextOf(placed);
  const id = found instanceof Promise ? await found : found;
  return answerText(id ?? 'null', await call(methods, context, placed.request, id));
}

async function call(
  methods: ReadonlyMap<string, Method>,
  context: CallContext,
  request: unknown,
  id: string | undefined,
): Promise<Answer> {
  if (typeof request !== 'object' || request === null || !('jsonrpc' in request) || request.jsonrpc !== '2.0')
    return failed(JSON_RPC_CODES.badRequest, 'not a JSON-RPC 2.0 request: it must be an object with "jsonrpc": "2.0"');
  if (id === undefined)
    return failed(JSON_RPC_CODES.badRequest, 'id must be a string, a number or null; without one there is no answer');
  const name = 'method' in request ? request.method : undefined;
  const method = typeof name === 'string' ? methods.get(name) : undefined;
  if (method === undefined)
    return failed(JSON_RPC_CODES.unknownMethod, `there is no such method; there are ${[...methods.keys()].join(', ')}`);
  return method(context, 'params' in request ? request.params : {});
}

/**
 * The ID as JSON text. A number keeps its spelling, since parsing and writing it could change it.
 * Undefined: the request has no valid ID.
 */
function idTextOf({ request, body, start }: Placed): string | undefined | Promise<string | undefined> {
  const id = typeof request === 'object' && request !== null && 'id' in request ? request.id : undefined;
  if (typeof id === 'string' || id === null) return JSON.stringify(id);
  if (typeof id !== 'number') return undefined;
  if (isLong(body)) return inTurns(jsonMembersInPieces(body, start)).then((members) => memberText(body, members));
  return memberText(body, jsonMembers(body, start));
}

function memberText(body: string, members: ReadonlyMap<string, JsonSpan>): string | undefined {
  const span = members.get('id');
  return span === undefined ? undefined : body.slice(span.start, span.end);
}

/** Requests with the same gid are executed in their order, others concurrently. */
async function answerBatch(
  methods: ReadonlyMap<string, Method>,
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
  const answers: Promise<string>[] = [];
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
    const one = (async () => {
      await before;
      return answer(methods, context, { request, body, start });
    })();
    if (gid !== undefined) previous.set(gid, one);
    answers.push(one);
  }
  return textReply(200, `[${(await Promise.all(answers)).join(',')}]`, JSON_TYPE);
}

function gidOf(request: unknown): string | undefined {
  const params = typeof request === 'object' && request !== null && 'params' in request ? request.params : undefined;
  const gid = typeof params === 'object' && params !== null && 'gid' in params ? params.gid : undefined;
  return typeof gid === 'string' ? gid : undefined;
}
