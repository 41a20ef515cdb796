import type { CallContext } from '@holdfast/core';
import { type DtmOutcome, QueryReader, rejectCall } from '@holdfast/api';
import { replyOfError, replyOfOutcome } from './dtm-replies.ts';
import { isLong, nextTurn, parseJson, parseLongJson } from './json-text.ts';
import type { Reply } from './reply.ts';
import type { Route, RouteRequest } from './router.ts';

const PREFIX = '/api/dtmsvr';

/** A call of dtm's service. */
type Call<Input, Result> = (context: CallContext, input: Input) => Promise<Result>;
type Render<Result> = (result: Result) => Reply | Promise<Reply>;
type ReadQuery<Input> = (query: QueryReader, params: readonly string[]) => Input;

/** A call that reads no body. */
export const get = <Input, Result>(
  path: string,
  read: ReadQuery<Input>,
  call: Call<Input, Result>,
  render: Render<Result>,
): Route => ({
  method: 'GET',
  path: PREFIX + path,
  readsBody: false,
  run: async ({ context, query, params }) => {
    let input: Input;
    try {
      input = read(new QueryReader(query), params);
    } catch (thrown) {
      return rejectCall(call, context, thrown);
    }
    return render(await call(context, input));
  },
  reject: (context, error) => rejectCall(call, context, error),
  fail: replyOfError,
});

/** A GET whose response may have any length. */
export const getLong = <Input, Result>(
  path: string,
  read: ReadQuery<Input>,
  call: Call<Input, Result>,
  render: Render<Result>,
): Route => ({ ...get(path, read, call, render), takesPlace: () => true });

/** A GET that changes something is also available as POST, with the parameters in the query. */
export const getAndPost = <Input, Result>(
  path: string,
  read: ReadQuery<Input>,
  call: Call<Input, Result>,
  render: Render<Result>,
): Route[] => {
  const route = get(path, read, call, render);
  return [
    { ...route, isCommand: true },
    { ...route, method: 'POST' },
  ];
};

/** A call with a JSON body. */
export function post<Input, Result>(
  path: string,
  read: (body: unknown) => Input,
  call: Call<Input, Result>,
  render: Render<Result>,
  fail: Route['fail'] = replyOfError,
): Route {
  const run = (context: CallContext, input: Input): Promise<Reply> => call(context, input).then(render);
  const runLong = async ({ context, body }: RouteRequest): Promise<Reply> => {
    let input: Input;
    try {
      input = read(await parseLongJson(body));
    } catch (thrown) {
      return rejectCall(call, context, thrown);
    }
    await nextTurn();
    return run(context, input);
  };
  const runShort = ({ context, body }: RouteRequest): Promise<Reply> => {
    let input: Input;
    try {
      input = read(parseJson(body));
    } catch (thrown) {
      return rejectCall(call, context, thrown);
    }
    return run(context, input);
  };
  return {
    method: 'POST',
    path: PREFIX + path,
    readsBody: true,
    run: (request) => (isLong(request.body) ? runLong(request) : runShort(request)),
    reject: (context, error) => rejectCall(call, context, error),
    fail,
  };
}

/** A change, responded to with its outcome. */
export const change = <Input>(path: string, read: (body: unknown) => Input, call: Call<Input, DtmOutcome>): Route =>
  post(path, read, call, replyOfOutcome);
