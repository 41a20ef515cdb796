import { isUtf8 } from 'node:buffer';
import type { IncomingMessage } from 'node:http';
import { LIMITS } from '@holdfast/protocol';
import type { Request, Response } from 'express';
import type { Barrier } from '../barrier/barrier.ts';
import { branchServer, type BranchServer, readArguments } from './branch-server.ts';
import type { BarrierHandler, BodyOptions, BranchHandler, BranchOptions, ServeOptions } from './call.ts';
import { checkBackHandler } from './check-back.ts';
import { headerOf, originalUrlOf, readBytes, readJson, send } from './node-body.ts';
import { parsedBody } from './parsed-body.ts';
import { keepRaw, rawBody } from './raw-body.ts';

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

export interface ExpressBranchOptions<Payload> extends BranchOptions<Payload>, BodyOptions {}

/** An Express route handler; the promise never rejects. */
export type ExpressHandler = (request: Request, response: Response) => Promise<void>;

/**
 * An Express route handler that serves one branch URL: reads the call, runs the handler, and sends
 * its result to the coordinator. A value that the handler returns is the `result` of the response.
 *
 *     app.post('/debit', branch<Debit>(async (call) => { … }))
 *
 * No body parser is needed. If `express.json()` precedes the handler, its parsed body is used. That
 * parser rejects payloads that are neither an object nor an array unless `strict: false` is set,
 * limits the body by its option `limit`, and alters bytes that are not UTF-8 unless
 * `verify: requireUtf8` is set.
 */
export function branch<Payload = unknown>(
  handler: BranchHandler<Payload>,
  options?: ExpressBranchOptions<Payload>,
): ExpressHandler;
/**
 * The same behind a barrier: the handler writes with `tx`, at most once for each call of the
 * coordinator.
 */
export function branch<Payload = unknown, Tx = unknown>(
  barrier: Barrier<Tx>,
  handler: BarrierHandler<Payload, Tx>,
  options?: ExpressBranchOptions<Payload>,
): ExpressHandler;
export function branch<Payload, Tx>(
  first: BranchHandler<Payload> | Barrier<Tx>,
  second?: BarrierHandler<Payload, Tx> | ExpressBranchOptions<Payload>,
  third?: ExpressBranchOptions<Payload>,
): ExpressHandler {
  const { handler, options } = readArguments([first, second, third]);
  return route(branchServer(handler, options), options.maxBodyBytes);
}

/**
 * An Express route handler for the URL at which a coordinator checks back about the local
 * transaction of a two-phase message: responds with 200 if it was committed, with 409 if it was not
 * and never will be.
 *
 *     app.get('/check', checkBack(barrier))
 */
export function checkBack(barrier: Pick<Barrier<unknown>, 'checkBack'>, options: ServeOptions = {}): ExpressHandler {
  return route(branchServer(checkBackHandler(barrier), options));
}

function route(serve: BranchServer, maxBodyBytes: number = LIMITS.payloadBytes): ExpressHandler {
  return async (request, response) => {
    const readBody = () => bodyOf(request, maxBodyBytes);
    send(
      request,
      response,
      await serve({
        method: request.method,
        url: originalUrlOf(request),
        header: headerOf(request),
        readBody,
        readBytes: () => bytesOf(request, maxBodyBytes),
      }),
    );
  };
}

/**
 * For `express.json({ verify: requireUtf8 })` before a branch: a body that is not UTF-8 is rejected
 * with 400. By default `express.json()` replaces such bytes, so that different texts become equal.
 *
 * @throws an error with `status` 400, which Express's error handling responds with
 */
export function requireUtf8(_request: unknown, _response: unknown, body: Buffer): void {
  if (!isUtf8(body)) throw Object.assign(new Error('the body is not UTF-8'), { status: 400 });
}

/**
 * Option `verify` of `express.json` (and its other parsers) for an application whose branches
 * verify calls: keeps the bytes of a signed call, of which the signature is made. Rejects a body
 * that is not UTF-8, as `requireUtf8` does.
 *
 *     app.use(express.json({ verify: keepRawBody }));
 */
export function keepRawBody(request: IncomingMessage, _response: unknown, body: Buffer): void {
  requireUtf8(request, _response, body);
  keepRaw(request, body);
}

/** The bytes that a parser kept, or else those of the request. */
function bytesOf(request: Request, maxBytes: number): Uint8Array | Promise<Uint8Array> {
  if (isUnread(request)) return readBytes(request, maxBytes);
  const bytes = rawBody(request, request.body, maxBytes);
  if (bytes !== undefined) return bytes;
  throw new Error(
    'the call cannot be verified, since a parser has read its body before the branch: ' +
      'pass keepRawBody to the parser, as in express.json({ verify: keepRawBody }), or put the route before it',
  );
}

/** The body that a parser left, or else the parsed body of the request. */
function bodyOf(request: Request, maxBytes: number): unknown {
  return isUnread(request) ? readJson(request, maxBytes) : parsedBody(request.body, request.headers);
}

/**
 * Parsers of Express 4 leave {} also of a body that they have not read, and all leave {} of an
 * empty one.
 */
function isUnread(request: Request): boolean {
  const body: unknown = request.body;
  return body === undefined || (isEmptyObject(body) && !request.readableDidRead);
}

const isEmptyObject = (body: unknown): boolean =>
  typeof body === 'object' && body !== null && !Array.isArray(body) && Object.keys(body).length === 0;
