import {
  API_ROOT,
  type Operation,
  OPERATION_NAMES,
  operationOf,
  pathFieldsOf,
  queryFieldsOf,
} from '@holdfast/protocol';
import {
  type AnyInput,
  type ApiV1,
  type Invoke,
  payloadTextsInPieces,
  QueryReader,
  rejectCall,
  withPayloadTexts,
} from '@holdfast/api';
import { inTurns, isLong, nextTurn, parseJson, parseLongJson } from './json-text.ts';
import { problemReply } from './problem.ts';
import { jsonReply, longJsonReply, NO_CONTENT, type Reply } from './reply.ts';
import type { Route, RouteRequest } from './router.ts';

/** Holdfast's own API over HTTP: a route for each operation. */
export const v1Routes = (api: Pick<ApiV1, 'invokeOf'>): readonly Route[] =>
  OPERATION_NAMES.map((name) => routeOf(operationOf(name), api.invokeOf(name)));

function routeOf(operation: Operation, invoke: Invoke): Route {
  const { method, path, kind, waits, mayBeLong } = operation;
  const pathOf = pathReaderOf(operation);
  const inputOf = inputReaderOf(operation, pathOf);
  const replyWith = replyWriterOf(operation);
  return {
    method,
    path: API_ROOT + path,
    readsBody: method === 'POST' || method === 'PUT',
    ...(mayBeLong === true && kind === 'query' && { takesPlace: (query) => waits !== true || !requestsWait(query) }),
    run: async (request) => {
      let input: AnyInput;
      let waitMs: number;
      try {
        input = await inputOf(request);
        waitMs = waits === true ? waitMsOf(request.query) : 0;
      } catch (thrown) {
        return rejectCall(invoke, request.context, thrown, pathOf(request.params));
      }
      return replyWith(await invoke(request.context, input, waitMs));
    },
    reject: (context, error, params) => rejectCall(invoke, context, error, pathOf(params)),
    fail: problemReply,
  };
}

/**
 * Whether the request waits for a transaction to finish. It then takes no place, since it may take
 * minutes. Total: `waitMsOf` rejects a value that is not a number.
 */
const requestsWait = (query: URLSearchParams): boolean => Number(query.get('waitMs') ?? 0) !== 0;

/** How long the caller waits for the transaction to finish; 0: not at all. */
const waitMsOf = (query: URLSearchParams): number => new QueryReader(query).count('waitMs') ?? 0;

function replyWriterOf({ result, mayBeLong }: Operation): (value: unknown) => Reply {
  if (result === undefined) return () => NO_CONTENT;
  return mayBeLong === true ? (value) => longJsonReply(200, value) : (value) => jsonReply(200, value);
}

type PathReader = (params: readonly string[]) => Record<string, unknown>;

function pathReaderOf(operation: Operation): PathReader {
  const fields = pathFieldsOf(operation);
  return (params) => {
    const input: Record<string, unknown> = {};
    for (let index = 0; index < fields.length; index++) input[fields[index] ?? ''] = params[index];
    return input;
  };
}

function inputReaderOf(operation: Operation, pathOf: PathReader): (request: RouteRequest) => Promise<AnyInput> {
  const readsQuery = queryFieldsOf(operation).length > 0;
  const parse = bodyParserOf(operation);
  return async ({ query, params, body }) => {
    const input = pathOf(params);
    if (readsQuery) input['query'] = query;
    if (parse !== undefined) input['body'] = await parse(body);
    return input;
  };
}

function bodyParserOf({ body, bodyIsOptional, keepsPayloadTexts }: Operation): ((text: string) => unknown) | undefined {
  if (body === undefined) return undefined;
  const parse = keepsPayloadTexts === true ? parseWithPayloads : parseShort;
  return bodyIsOptional === true ? (text) => (text === '' ? undefined : parse(text)) : parse;
}

/** Parses a body with payloads. */
async function parseWithPayloads(body: string): Promise<unknown> {
  if (!isLong(body)) return withPayloadTexts(parseJson(body), body);
  const value = await inTurns(payloadTextsInPieces(await parseLongJson(body), body));
  await nextTurn();
  return value;
}

/** Parses a body without payloads. */
const parseShort = (body: string): unknown => (isLong(body) ? parseLongJson(body) : parseJson(body));
