import type { CallContext, TransactionView } from '@holdfast/core';
import { abortRequest, HoldfastError, subscriberRequest } from '@holdfast/protocol';
import { defined } from '../reading/defined.ts';
import { DEFAULT_PAGE_SIZE, QueryReader } from '../reading/query-reader.ts';
import { parse } from '../reading/parse.ts';
import type { Handlers } from '../handlers/table.ts';

import { readCreation, readListQuery } from '../v1/read-request.ts';
import { writeDetails, writeNodes, writeReply, writeStatus, writeSummary, writeTopic } from '../v1/write-view.ts';
import { parseJson } from './json-text.ts';
import { problemReply } from './problem.ts';
import { jsonReply, type Reply } from './reply.ts';
import type { Route, RouteRequest } from './router.ts';

const PREFIX = '/api/v1';
const TOPICS = 'topics';
const NO_CONTENT: Reply = { status: 204, head: [], body: '', encoding: 'latin1' };

/** Holdfast's own API (`@holdfast/protocol`, api-v1): thin readers and writers around the handler table. */
export function v1Routes(handlers: Handlers): readonly Route[] {
  return [...transactions(handlers), ...orders(handlers), ...topics(handlers), ...operations(handlers)];
}

type Run = (request: RouteRequest) => Reply | Promise<Reply>;

const route = (method: Route['method'], path: string, run: Run, readsBody = false): Route => ({
  method,
  path: PREFIX + path,
  readsBody,
  run,
  fail: problemReply,
});

function transactions(handlers: Handlers): readonly Route[] {
  return [
    route(
      'POST',
      '/transactions',
      async ({ context, query, body }) => {
        const gid = await handlers.newGid(context, undefined);
        const { status, input } = readCreation(parseJson(body), () => gid);
        if (status === 'prepared') await handlers.prepare(context, input);
        else await handlers.submit(context, input);
        return jsonReply(200, writeReply(await viewAfter(handlers, context, input.gid, waitMsOf(query))));
      },
      true,
    ),
    route('GET', '/transactions', async ({ context, query }) => {
      const page = await handlers.list(context, readListQuery(new QueryReader(query)));
      return jsonReply(200, { items: page.items.map(writeSummary), next: page.next });
    }),
    route('GET', '/transactions/:gid', async ({ context, query, params: [gid = ''] }) =>
      jsonReply(200, writeDetails(await viewAfter(handlers, context, gid, waitMsOf(query)))),
    ),
    route('POST', '/transactions/:gid/submit', async ({ context, query, params: [gid = ''] }) => {
      const { pattern, status } = await mustGet(handlers, context, gid);
      if (pattern === 'workflow')
        throw new HoldfastError('refused', `${gid} is a workflow: its own code ends it`, { gid, status });
      await handlers.submit(context, { gid, pattern });
      return jsonReply(200, writeReply(await viewAfter(handlers, context, gid, waitMsOf(query))));
    }),
  ];
}

/** What an operator orders answers with what it made of the transaction. */
function orders(handlers: Handlers): readonly Route[] {
  const order = (name: string, run: (request: RouteRequest, gid: string) => void | Promise<void>): Route =>
    route(
      'POST',
      `/transactions/:gid/${name}`,
      async (request) => {
        const [gid = ''] = request.params;
        await run(request, gid);
        return jsonReply(200, writeDetails(await mustGet(handlers, request.context, gid)));
      },
      true,
    );
  return [
    order('abort', ({ context, body }, gid) => {
      const { reason } = body === '' ? {} : parse(abortRequest, parseJson(body));
      return handlers.abort(context, { gid, reason: reason ?? 'aborted by an operator', byOperator: true });
    }),
    order('retry', ({ context }, gid) => handlers.retryNow(context, gid)),
    order('stop', ({ context }, gid) => handlers.forceStop(context, gid)),
  ];
}

function topics(handlers: Handlers): readonly Route[] {
  return [
    route('GET', '/topics', async ({ context, query }) => {
      const reader = new QueryReader(query);
      const page = await handlers.scanKeyValues(context, {
        category: TOPICS,
        limit: reader.count('limit') || DEFAULT_PAGE_SIZE,
        ...defined({ cursor: reader.text('cursor') || undefined }),
      });
      return jsonReply(200, { items: page.items.map(writeTopic), next: page.next });
    }),
    route(
      'PUT',
      '/topics/:topic/subscribers',
      async ({ context, params: [topic = ''], body }) => {
        const { url, remark } = parse(subscriberRequest, parseJson(body));
        await handlers.subscribe(context, { topic, url, remark: remark ?? '' });
        return NO_CONTENT;
      },
      true,
    ),
    route('DELETE', '/topics/:topic/subscribers', async ({ context, params: [topic = ''], query }) => {
      await handlers.unsubscribe(context, { topic, url: query.get('url') ?? '' });
      return NO_CONTENT;
    }),
    route('DELETE', '/topics/:topic', async ({ context, params: [topic = ''] }) => {
      await handlers.deleteTopic(context, topic);
      return NO_CONTENT;
    }),
  ];
}

function operations(handlers: Handlers): readonly Route[] {
  return [
    route('GET', '/nodes', async ({ context }) => jsonReply(200, writeNodes(await handlers.nodes(context, undefined)))),
    route('GET', '/status', async ({ context }) =>
      jsonReply(200, writeStatus(await handlers.status(context, undefined))),
    ),
  ];
}

const waitMsOf = (query: URLSearchParams): number => new QueryReader(query).count('waitMs') ?? 0;

/** The transaction when it is final, or after `waitMs`. */
const viewAfter = async (handlers: Handlers, context: CallContext, gid: string, waitMs: number) =>
  waitMs > 0 ? handlers.wait(context, { gid, timeoutMs: waitMs }) : mustGet(handlers, context, gid);

async function mustGet(handlers: Handlers, context: CallContext, gid: string): Promise<TransactionView> {
  const view = await handlers.get(context, gid);
  if (view === undefined) throw new HoldfastError('not_found', `there is no transaction with gid ${gid}`, { gid });
  return view;
}
