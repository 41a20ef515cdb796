import { isUtf8 } from 'node:buffer';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Barrier } from '../barrier/barrier.ts';
import { branchServer, readArguments } from './branch-server.ts';
import type { BarrierHandler, BranchHandler, BranchOptions, ErrorOptions, ServeOptions } from './call.ts';
import { checkBackHandler } from './check-back.ts';
import { headerOf, originalUrlOf } from './node-body.ts';
import { parsedBody } from './parsed-body.ts';
import { rawBody, keepRaw } from './raw-body.ts';
import { verifierOf } from './verified-call.ts';

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

/** A Fastify route handler; the promise never rejects. */
export type FastifyHandler = (request: FastifyRequest, reply: FastifyReply) => Promise<FastifyReply>;

/**
 * A Fastify route handler that serves one branch URL: reads the call, runs the handler, and sends
 * its result to the coordinator. A value that the handler returns is the `result` of the response.
 *
 *     await app.register(branchBodies)
 *     app.post('/debit', branch<Debit>(async (call) => { … }))
 *
 * Fastify parses the body and limits its length (`bodyLimit`); it rejects calls without a payload
 * unless `branchBodies` is registered. Without `onError`, errors are written to the request's log,
 * or, if Fastify's log is off, become a warning of the process.
 */
export function branch<Payload = unknown>(
  handler: BranchHandler<Payload>,
  options?: BranchOptions<Payload>,
): FastifyHandler;
/**
 * The same behind a barrier: the handler writes with `tx`, at most once for each call of the
 * coordinator.
 */
export function branch<Payload = unknown, Tx = unknown>(
  barrier: Barrier<Tx>,
  handler: BarrierHandler<Payload, Tx>,
  options?: BranchOptions<Payload>,
): FastifyHandler;
export function branch<Payload, Tx>(
  first: BranchHandler<Payload> | Barrier<Tx>,
  second?: BarrierHandler<Payload, Tx> | BranchOptions<Payload>,
  third?: BranchOptions<Payload>,
): FastifyHandler {
  const { handler, options } = readArguments([first, second, third]);
  return route(handler, options);
}

/**
 * A Fastify route handler for the URL at which a coordinator checks back about the local
 * transaction of a two-phase message: responds with 200 if it was committed, with 409 if it was not
 * and never will be.
 *
 *     app.get('/check', checkBack(barrier))
 */
export function checkBack(barrier: Pick<Barrier<unknown>, 'checkBack'>, options: ServeOptions = {}): FastifyHandler {
  return route(checkBackHandler(barrier), options);
}

/**
 * Fastify plugin: accepts a POST that declares a JSON body and has none (the call of a branch
 * without a payload), which Fastify rejects with 400 by default. Rejects a body that is not UTF-8
 * with 400. All other bodies are parsed as by default. The plugin applies to the scope in which it
 * is registered: use a separate scope for branch URLs if other routes are to keep rejecting empty
 * bodies.
 */
export function branchBodies(app: FastifyInstance, _options: unknown, done: () => void): void {
  const { onProtoPoisoning = 'error', onConstructorPoisoning = 'error' } = app.initialConfig;
  const parse = app.getDefaultJsonParser(onProtoPoisoning, onConstructorPoisoning);
  app.addContentTypeParser('application/json', { parseAs: 'buffer' }, (request, body: Buffer, parsed) => {
    keepRaw(request.raw, body);
    if (body.length === 0) parsed(null, undefined);
    else if (!isUtf8(body)) parsed(NOT_UTF8());
    else void parse(request, body.toString(), parsed);
  });
  done();
}
const NOT_UTF8 = (): Error => Object.assign(new Error('the body is not UTF-8'), { statusCode: 400 });

// Fastify then applies the plugin to the scope that registers it, not to a child scope.
Object.defineProperty(branchBodies, Symbol.for('skip-override'), { value: true });

function route<Payload>(handler: BranchHandler<Payload>, options: Partial<BranchOptions<Payload>>): FastifyHandler {
  // A wrong option is an error here, not of the first call.
  verifierOf(options.verify);
  return async (request, reply) => {
    const onError = options.onError ?? (isSilent(request.log) ? undefined : logTo(request.log));
    // Fastify's body is null for a request without a body. A coordinator sends JSON null only for a
    // payload that is null, and no payload and a null payload are equivalent.
    const readBody = () => parsedBody(request.body ?? undefined, request.headers);
    const serve = branchServer(handler, { ...options, ...(onError !== undefined && { onError }) });
    const { status, text } = await serve({
      method: request.method,
      url: originalUrlOf(request.raw),
      header: headerOf(request),
      readBody,
      readBytes: () => bytesOf(request),
    });
    return reply.code(status).type('application/json').send(text);
  };
}

/** The bytes that `branchBodies` kept. Fastify itself bounds their number. */
function bytesOf({ raw, body }: FastifyRequest): Uint8Array {
  const bytes = rawBody(raw, body, Number.MAX_SAFE_INTEGER);
  if (bytes !== undefined) return bytes;
  throw new Error(
    'the call cannot be verified, since a parser of Fastify has read its body: register branchBodies in the scope of the route, as in app.register(branchBodies)',
  );
}

/** Fastify's log is off by default; then it has no level. */
const isSilent = ({ level }: FastifyRequest['log']): boolean => level === undefined || level === 'silent';

const logTo =
  (log: FastifyRequest['log']): NonNullable<ErrorOptions['onError']> =>
  (error, call) =>
    log.error({ err: error, gid: call?.gid, branch: call?.branchId }, 'branch call failed');
