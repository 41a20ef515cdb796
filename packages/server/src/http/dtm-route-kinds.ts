import type { CallContext } from '@holdfast/core';
import { type DtmOutcome, QueryReader } from '@holdfast/api';
import { replyOfError, replyOfOutcome } from './dtm-replies.ts';
import { isLong, nextTurn, parseJson, parseLongJson } from './json-text.ts';
import type { Reply } from './reply.ts';
import type { Route, RouteRequest } from './router.ts';

const PREFIX = '/api/dtmsvr';

/** A call that reads no body. */
export const get = (path: string, run: Route['run']): Route => ({
  method: 'GET',
  path: PREFIX + path,
  readsBody: false,
  run,
  fail: replyOfError,
});

/** A GET whose response may have any length. */
export const getLong = (path: string, run: Route['run']): Route => ({ ...get(path, run), takesPlace: () => true });

/** A GET that changes something is also available as POST, with the parameters in the query. */
export const getAndPost = (
  path: string,
  run: (context: CallContext, query: QueryReader) => Promise<Reply>,
): Route[] => {
  const route = get(path, ({ context, query }) => run(context, new QueryReader(query)));
  return [
    { ...route, isCommand: true },
    { ...route, method: 'POST' },
  ];
};

/** A call with a JSON body. */
export function post<T>(
  path: string,
  read: (body: unknown) => T,
  run: (context: CallContext, input: T) => Promise<Reply>,
  fail: Route['fail'] = replyOfError,
): Route {
  const runLong = async ({ context, body }: RouteRequest): Promise<Reply> => {
    const input = read(await parseLongJson(body));
    await nextTurn();
    return run(context, input);
  };
  return {
    method: 'POST',
    path: PREFIX + path,
    readsBody: true,
    run: (request) => (isLong(request.body) ? runLong(request) : run(request.context, read(parseJson(request.body)))),
    fail,
  };
}

/** A change, responded to with its outcome. */
export const change = <T>(
  path: string,
  read: (body: unknown) => T,
  run: (context: CallContext, input: T) => Promise<DtmOutcome>,
): Route => post(path, read, (context, input) => run(context, input).then(replyOfOutcome));
