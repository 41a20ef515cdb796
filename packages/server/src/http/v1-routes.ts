import { abortRequest, HoldfastError, subscriberRequest } from '@holdfast/protocol';
import type { CallContext, TransactionInput } from '@holdfast/core';
import { defined } from '../reading/defined.ts';
import { DEFAULT_PAGE_SIZE, QueryReader } from '../reading/query-reader.ts';
import { parse } from '../reading/parse.ts';
import type { Handlers } from '../handlers/table.ts';

import { type Creation, readCreation, readListQuery } from '../v1/read-request.ts';
import { writeDetails, writeNodes, writeReply, writeStatus, writeSummary, writeTopic } from '../v1/write-view.ts';
import { parseJson } from './json-text.ts';
import { jsonReply, NO_CONTENT } from './reply.ts';
import type { Route, RouteRequest } from './router.ts';
import { initiatorRoutes } from './v1-initiator-routes.ts';
import { mustGet, v1Route as route, viewAfter, waitMsOf } from './v1-route.ts';

const TOPICS = 'topics';

/** Holdfast's own API (`@holdfast/protocol`, api-v1): thin readers and writers around the handler table. */
export function v1Routes(handlers: Handlers): readonly Route[] {
  return [
    ...transactions(handlers),
    ...initiatorRoutes(handlers),
    ...orders(handlers),
    ...topics(handlers),
    ...operations(handlers),
  ];
}

function transactions(handlers: Handlers): readonly Route[] {
  return [
    route(
      'POST',
      '/transactions',
      async ({ context, query, body }) => {
        const gid = await handlers.newGid(context, undefined);
        const creation = readCreation(parseJson(body), () => gid);
        await create(handlers, context, creation);
        return jsonReply(200, writeReply(await viewAfter(handlers, context, creation.input.gid, waitMsOf(query))));
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

async function create(handlers: Handlers, context: CallContext, { status, input }: Creation): Promise<void> {
  if (input.pattern === 'workflow') return findOrCreate(handlers, context, input);
  if (status === 'prepared') await handlers.prepare(context, input);
  else await handlers.submit(context, input);
}

/** Starting a workflow a second time finds the first, also when it has ended: its code learns how. */
async function findOrCreate(handlers: Handlers, context: CallContext, input: TransactionInput): Promise<void> {
  const { gid, status, definition } = await handlers.prepareWorkflow(context, input);
  if (definition.workflowName !== input.workflowName)
    throw new HoldfastError('refused', `gid ${gid} belongs to a workflow named ${definition.workflowName}`, {
      gid,
      field: 'workflow.name',
      status,
    });
}

/** An order answers with what it made of the transaction. */
function orders(handlers: Handlers): readonly Route[] {
  const order = (name: string, run: (request: RouteRequest, gid: string) => void | Promise<void>): Route =>
    route(
      'POST',
      `/transactions/:gid/${name}`,
      async (request) => {
        const [gid = ''] = request.params;
        await run(request, gid);
        const waitMs = waitMsOf(request.query);
        return jsonReply(200, writeDetails(await viewAfter(handlers, request.context, gid, waitMs)));
      },
      true,
    );
  return [
    order('abort', ({ context, body }, gid) => {
      const { reason, by = 'operator' } = body === '' ? {} : parse(abortRequest, parseJson(body));
      const byOperator = by === 'operator';
      return handlers.abort(context, {
        gid,
        reason: reason ?? `aborted by ${byOperator ? 'an' : 'its'} ${by}`,
        byOperator,
      });
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
