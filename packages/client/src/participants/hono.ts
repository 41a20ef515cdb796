import { LIMITS } from '@holdfast/protocol';
import type { Context } from 'hono';
import type { ContentfulStatusCode } from 'hono/utils/http-status';
import type { Barrier } from '../barrier/barrier.ts';
import { branchServer, type BranchServer, readArguments } from './branch-server.ts';
import type { BarrierHandler, BodyOptions, BranchHandler, BranchOptions, ServeOptions } from './call.ts';
import { checkBackHandler } from './check-back.ts';
import { readWebBytes, readWebJson } from './web-body.ts';

export type {
  BarrierHandler,
  BranchCallContext,
  BranchHandler,
  BranchOptions,
  ErrorOptions,
  ServeOptions,
} from './call.ts';
export type { ReplayStore, VerifyOptions } from '@holdfast/protocol/signing';
export { BranchFailure, BranchOngoing } from '@holdfast/protocol';

export interface HonoBranchOptions<Payload> extends BranchOptions<Payload>, BodyOptions {}

/** A Hono handler; the promise never rejects. */
export type HonoHandler = (context: Context) => Promise<Response>;

/**
 * A Hono handler that serves one branch URL: reads the call, runs the handler, and sends its result
 * to the coordinator. A value that the handler returns is the `result` of the response. Uses the
 * web-standard request and works on any runtime with `node:async_hooks`.
 *
 *     app.post('/debit', branch<Debit>(async (call) => { … }))
 */
export function branch<Payload = unknown>(
  handler: BranchHandler<Payload>,
  options?: HonoBranchOptions<Payload>,
): HonoHandler;
/**
 * The same behind a barrier: the handler writes with `tx`, at most once for each call of the
 * coordinator.
 */
export function branch<Payload = unknown, Tx = unknown>(
  barrier: Barrier<Tx>,
  handler: BarrierHandler<Payload, Tx>,
  options?: HonoBranchOptions<Payload>,
): HonoHandler;
export function branch<Payload, Tx>(
  first: BranchHandler<Payload> | Barrier<Tx>,
  second?: BarrierHandler<Payload, Tx> | HonoBranchOptions<Payload>,
  third?: HonoBranchOptions<Payload>,
): HonoHandler {
  const { handler, options } = readArguments([first, second, third]);
  return route(branchServer(handler, options), options.maxBodyBytes);
}

/**
 * A Hono handler for the URL at which a coordinator checks back about the local transaction of a
 * two-phase message: responds with 200 if it was committed, with 409 if it was not and never will
 * be.
 *
 *     app.get('/check', checkBack(barrier))
 */
export function checkBack(barrier: Pick<Barrier<unknown>, 'checkBack'>, options: ServeOptions = {}): HonoHandler {
  return route(branchServer(checkBackHandler(barrier), options));
}

function route(serve: BranchServer, maxBodyBytes: number = LIMITS.payloadBytes): HonoHandler {
  return async (context) => {
    const { req } = context;
    const readBody = () => readWebJson(req, maxBodyBytes);
    const { status, text } = await serve({
      method: req.method,
      url: req.url,
      header: (name) => req.header(name),
      readBody,
      readBytes: () => readWebBytes(req, maxBodyBytes),
    });
    return context.body(text, status as ContentfulStatusCode, { 'content-type': 'application/json' });
  };
}
