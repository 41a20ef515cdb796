import type { CallContext, TransactionView } from '@holdfast/core';
import { type Pattern, renderError } from '@holdfast/protocol';
import { DEFAULT_PAGE_SIZE, defined, type Handlers, QueryReader } from '@holdfast/runtime';
import { DTM_NAMES } from '../dtm/field-names.ts';
import { outcomeOf, SUCCEEDED } from '../dtm/outcome.ts';
import { readAbort, readOrderGid, requireGid } from '../dtm/read-order.ts';
import { readRegistration } from '../dtm/read-branch.ts';
import { readListQuery } from '../dtm/read-query.ts';
import { readSubmission, readTransaction } from '../dtm/read-transaction.ts';
import { writeBranches, writeProgresses, writeTransaction } from '../dtm/write-transaction.ts';
import { writeKeyValues } from '../dtm/write-key-value.ts';
import { failureReply, replyOfError, replyOfOutcome, SUCCESS_REPLY } from './dtm-replies.ts';
import { isLong, nextTurn, parseJson, parseLongJson } from './json-text.ts';
import { jsonReply, longJsonReply, type Reply } from './reply.ts';
import type { Route, RouteRequest } from './router.ts';

const PREFIX = '/api/dtmsvr';
const DEFAULT_RESET_LIMIT = 100;

export interface DtmRouteOptions {
  readonly version: string;
  /** Default of `resetCronTime` for requests without a time. */
  readonly defaultResetAfterMs: number;
}

/**
 * dtm's REST calls (protocol page, "REST"): they decode requests, call the handlers and encode
 * results.
 */
export function dtmRoutes(handlers: Handlers, options: DtmRouteOptions): readonly Route[] {
  return [...changes(handlers), ...orders(handlers, options), ...queries(handlers, options), ...topics(handlers)];
}

type Run = (request: RouteRequest) => Reply | Promise<Reply>;

const get = (path: string, run: Run): Route => ({
  method: 'GET',
  path: PREFIX + path,
  readsBody: false,
  run,
  fail: replyOfError,
});

/** A GET whose response may have any length. */
const getLong = (path: string, run: Run): Route => ({ ...get(path, run), takesPlace: () => true });

/** A call with a JSON body. */
function post<T>(
  path: string,
  read: (body: unknown) => T,
  run: (context: CallContext, input: T) => Promise<Reply>,
  fail: Route['fail'] = (error) => replyOfError(error),
): Route {
  return {
    method: 'POST',
    path: PREFIX + path,
    readsBody: true,
    run: ({ context, body }) =>
      isLong(body) ? runLong(context, body, read, run) : run(context, read(parseJson(body))),
    fail,
  };
}

async function runLong<T>(
  context: CallContext,
  body: string,
  read: (body: unknown) => T,
  run: (context: CallContext, input: T) => Promise<Reply>,
): Promise<Reply> {
  const input = read(await parseLongJson(body));
  await nextTurn();
  return run(context, input);
}

/**
 * dtm's three GETs that change something are also available as POST, with the parameters in the
 * query.
 */
const getAndPost = (path: string, run: Run): readonly Route[] => [
  { ...get(path, run), isCommand: true },
  { ...get(path, run), method: 'POST' },
];

function changes(handlers: Handlers): readonly Route[] {
  return [
    post('/prepare', readTransaction, async (context, input) => {
      await handlers.prepare(context, input);
      return SUCCESS_REPLY;
    }),
    post('/submit', readSubmission, async (context, submission) => {
      if (submission.kind === 'transaction') {
        const pass = await handlers.submit(context, submission.input);
        return replyOfOutcome(outcomeOf(submission.input.pattern, pass));
      }
      await handlers.finishWorkflow(context, submission.end);
      return replyOfOutcome(SUCCEEDED);
    }),
    post('/abort', readAbort, async (context, order) => {
      await handlers.abort(context, order);
      return SUCCESS_REPLY;
    }),
    register(handlers, '/registerBranch'),
    register(handlers, '/registerTccBranch', 'tcc'),
    register(handlers, '/registerXaBranch', 'xa'),
    prepareWorkflow(handlers),
  ];
}

const register = (handlers: Handlers, path: string, impliedPattern?: Pattern): Route =>
  post(
    path,
    (body) => readRegistration(body, impliedPattern),
    async (context, registration) => {
      await handlers.registerBranch(context, registration);
      return SUCCESS_REPLY;
    },
    // A branch must not continue if its transaction does not exist: its client needs a FAILURE.
    (error) => (error.code === 'not_found' ? failureReply(error) : replyOfError(error)),
  );

/**
 * The Go client reads only the body, whatever the status. A body without a `transaction` crashes
 * it, and with an empty transaction it would run a workflow that is never recorded. So an error
 * response has the object, and a `progresses` that is not a list; the client's decoding error shows
 * its text.
 */
const prepareWorkflow = (handlers: Handlers): Route =>
  post(
    '/prepareWorkflow',
    readTransaction,
    async (context, input) => {
      const view = await handlers.prepareWorkflow(context, input);
      return longJsonReply(200, {
        transaction: await writeTransaction(view),
        progresses: await writeProgresses(view),
      });
    },
    (error) =>
      replyOfError(error, { transaction: { gid: error.gid ?? '' }, progresses: renderError(error, DTM_NAMES).message }),
  );

function orders(handlers: Handlers, { defaultResetAfterMs }: DtmRouteOptions): readonly Route[] {
  return [
    post('/forceStop', readOrderGid, async (context, gid) => {
      await handlers.forceStop(context, { gid, reason: '' });
      return SUCCESS_REPLY;
    }),
    post('/resetNextCronTime', readOrderGid, async (context, gid) => {
      await handlers.retryNow(context, gid);
      return SUCCESS_REPLY;
    }),
    ...getAndPost('/resetCronTime', async ({ context, query }) => {
      const reader = new QueryReader(query);
      const timeoutSeconds = reader.count('timeout');
      const { count, more } = await handlers.retryWaiting(context, {
        laterThanMs: timeoutSeconds === undefined ? defaultResetAfterMs : timeoutSeconds * 1_000,
        limit: reader.count('limit') || DEFAULT_RESET_LIMIT,
      });
      return jsonReply(200, { succeed_count: count, has_remaining: more });
    }),
  ];
}

function queries(handlers: Handlers, { version }: DtmRouteOptions): readonly Route[] {
  return [
    get('/version', () => jsonReply(200, { version })),
    get('/newGid', async ({ context }) =>
      jsonReply(200, { gid: await handlers.newGid(context, undefined), dtm_result: 'SUCCESS' }),
    ),
    getLong('/query', async ({ context, query }) => {
      const view = await handlers.get(context, requireGid(query.get('gid')));
      if (view === undefined) return jsonReply(200, { transaction: null, branches: [] });
      return longJsonReply(200, { transaction: await writeTransaction(view), branches: await writeBranches(view) });
    }),
    getLong('/all', async ({ context, query }) => {
      const page = await handlers.list(context, readListQuery(new QueryReader(query)));
      const transactions = await writePage(page.items);
      return longJsonReply(200, { transactions, next_position: page.next ?? '' });
    }),
    getLong('/scanKV', async ({ context, query }) => {
      const reader = new QueryReader(query);
      const page = await handlers.scanKeyValues(context, {
        category: reader.text('cat'),
        limit: reader.count('limit') || DEFAULT_PAGE_SIZE,
        ...defined({ cursor: reader.text('position') || undefined }),
      });
      return longJsonReply(200, { kv: await writeKeyValues(page.items), next_position: page.next ?? '' });
    }),
    getLong('/queryKV', async ({ context, query }) => {
      const reader = new QueryReader(query);
      const found = await handlers.queryKeyValue(context, { category: reader.text('cat'), key: reader.text('key') });
      return longJsonReply(200, { kv: await writeKeyValues(found === undefined ? [] : [found]) });
    }),
  ];
}

/** One after the other, so that other events are handled in between. */
async function writePage(views: readonly TransactionView[]): Promise<unknown[]> {
  const written: unknown[] = [];
  for (const [index, view] of views.entries()) {
    if (index % PAGE_SLICE === PAGE_SLICE - 1) await nextTurn();
    written.push(await writeTransaction(view));
  }
  return written;
}

/** Number of transactions (of a few steps each) written per turn of the event loop. */
const PAGE_SLICE = 50;

function topics(handlers: Handlers): readonly Route[] {
  return [
    ...getAndPost('/subscribe', async ({ context, query }) => {
      const reader = new QueryReader(query);
      const [topic, url, remark] = [reader.text('topic'), reader.text('url'), reader.text('remark')];
      await handlers.subscribe(context, { topic, url, remark });
      return SUCCESS_REPLY;
    }),
    ...getAndPost('/unsubscribe', async ({ context, query }) => {
      const reader = new QueryReader(query);
      await handlers.unsubscribe(context, { topic: reader.text('topic'), url: reader.text('url') });
      return SUCCESS_REPLY;
    }),
    {
      method: 'DELETE',
      path: `${PREFIX}/topic/:name`,
      readsBody: false,
      run: async ({ context, params: [topic = ''] }) => {
        await handlers.deleteTopic(context, topic);
        return SUCCESS_REPLY;
      },
      fail: replyOfError,
    },
  ];
}
