import type { IncomingMessage, ServerResponse } from 'node:http';
import { LIMITS } from '@holdfast/protocol';
import type { Barrier } from '../barrier/barrier.ts';
import { branchServer, type BranchServer, readArguments } from './branch-server.ts';
import type { BarrierHandler, BodyOptions, BranchHandler, BranchOptions, ServeOptions } from './call.ts';
import { checkBackHandler } from './check-back.ts';
import { headerOf, originalUrlOf, readBytes, readJson, send } from './node-body.ts';

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

export interface NodeBranchOptions<Payload> extends BranchOptions<Payload>, BodyOptions {}

/** Serves one request of `node:http`; the promise never rejects. */
export type NodeListener = (request: IncomingMessage, response: ServerResponse) => Promise<void>;

/**
 * A listener for `node:http` that serves one branch URL: reads the call, runs the handler, and
 * sends its result to the coordinator. A value that the handler returns is the `result` of the
 * response.
 *
 *     createServer((request, response) => {
 *       if (request.url?.startsWith('/debit')) void debit(request, response);
 *     });
 */
export function branch<Payload = unknown>(
  handler: BranchHandler<Payload>,
  options?: NodeBranchOptions<Payload>,
): NodeListener;
/**
 * The same behind a barrier: the handler writes with `tx`, at most once for each call of the
 * coordinator.
 */
export function branch<Payload = unknown, Tx = unknown>(
  barrier: Barrier<Tx>,
  handler: BarrierHandler<Payload, Tx>,
  options?: NodeBranchOptions<Payload>,
): NodeListener;
export function branch<Payload, Tx>(
  first: BranchHandler<Payload> | Barrier<Tx>,
  second?: BarrierHandler<Payload, Tx> | NodeBranchOptions<Payload>,
  third?: NodeBranchOptions<Payload>,
): NodeListener {
  const { handler, options } = readArguments([first, second, third]);
  return listener(branchServer(handler, options), options.maxBodyBytes);
}

/**
 * A listener for the URL at which a coordinator checks back about the local transaction of a
 * two-phase message: responds with 200 if it was committed, with 409 if it was not and never will
 * be.
 */
export function checkBack(barrier: Pick<Barrier<unknown>, 'checkBack'>, options: ServeOptions = {}): NodeListener {
  return listener(branchServer(checkBackHandler(barrier), options));
}

function listener(serve: BranchServer, maxBodyBytes: number = LIMITS.payloadBytes): NodeListener {
  return async (request, response) => {
    const readBody = () => readJson(request, maxBodyBytes);
    send(
      request,
      response,
      await serve({
        method: request.method,
        url: originalUrlOf(request),
        header: headerOf(request),
        readBody,
        readBytes: () => readBytes(request, maxBodyBytes),
      }),
    );
  };
}
