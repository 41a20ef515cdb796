import type { CallContext, TransactionView } from '@holdfast/core';
import { HoldfastError } from '@holdfast/protocol';
import type { Handlers } from '../handlers/table.ts';
import { QueryReader } from '../reading/query-reader.ts';
import { problemReply } from './problem.ts';
import type { Reply } from './reply.ts';
import type { Route, RouteRequest } from './router.ts';

type Run = (request: RouteRequest) => Reply | Promise<Reply>;

/** A route of Holdfast's own API: errors are problem details. */
export const v1Route = (method: Route['method'], path: string, run: Run, readsBody = false): Route => ({
  method,
  path: `/api/v1${path}`,
  readsBody,
  run,
  fail: problemReply,
});

/** How long the caller waits for the end; 0: not at all. */
export const waitMsOf = (query: URLSearchParams): number => new QueryReader(query).count('waitMs') ?? 0;

/** The transaction when it is final, or after `waitMs`. */
export const viewAfter = async (handlers: Handlers, context: CallContext, gid: string, waitMs: number) =>
  waitMs > 0 ? handlers.wait(context, { gid, timeoutMs: waitMs }) : mustGet(handlers, context, gid);

/** Throws `not_found`. */
export async function mustGet(handlers: Handlers, context: CallContext, gid: string): Promise<TransactionView> {
  const view = await handlers.get(context, gid);
  if (view === undefined) throw new HoldfastError('not_found', `there is no transaction with gid ${gid}`, { gid });
  return view;
}
