import { isUtf8 } from 'node:buffer';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Barrier } from '../barrier/barrier.ts';
import { branchServer, readArguments } from './answer.ts';
import type { BarrierHandler, BranchHandler, BranchOptions, ErrorOptions } from './call.ts';
import { checkBackHandler } from './check-back.ts';
import { headerOf } from './node-body.ts';
import { parsedBody } from './parsed-body.ts';

export type { BarrierHandler, BranchCallContext, BranchHandler, BranchOptions, ErrorOptions } from './call.ts';
export { BranchFailure, BranchOngoing } from '@holdfast/protocol';

/** A Fastify route handler; the promise never rejects. */
export type FastifyHandler = (request: FastifyRequest, reply: FastifyReply) => Promise<FastifyReply>;

/**
 * A Fastify route handler that serves one branch URL: reads the call, runs the handler, and answers
 * the coordinator with what came of it. A value that the handler returns is the answer's `result`.
 *
 *     await app.register(branchBodies)
 *     app.post('/debit', branch<Debit>(async (call) => { … }))
 *
 * Fastify parses and bounds the body itself (`bodyLimit`); it refuses calls without a payload
 * unless `branchBodies` is registered. Unless `onError` is given, errors go to the request's log,
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
 * A Fastify route handler for the URL at which a coordinator asks what became of the local
 * transaction of a two-phase message: 200 when it was committed, 409 when it was not and never will
 * be.
 *
 *     app.get('/check', checkBack(barrier))
 */
export function checkBack(barrier: Pick<Barrier<unknown>, 'checkBack'>, options: ErrorOptions = {}): FastifyHandler {
  return route(checkBackHandler(barrier), options);
}

/**
 * Fastify plugin: a POST that says its body is JSON and has none, as branches without a payload are
 * called, is let through instead of being refused with 400. A body that is not UTF-8 is refused
 * with 400. Everything else is parsed as Fastify does by default. It holds for the scope it is
 * registered in, so give branch URLs one of their own if other routes shall go on refusing empty
 * bodies.
 */
export function branchBodies(app: FastifyInstance, _options: unknown, done: () => void): void {
  const { onProtoPoisoning = 'error', onConstructorPoisoning = 'error' } = app.initialConfig;
  const parse = app.getDefaultJsonParser(onProtoPoisoning, onConstructorPoisoning);
  app.addContentTypeParser('application/json', { parseAs: 'buffer' }, (request, body: Buffer, parsed) => {
    if (body.length === 0) parsed(null, undefined);
    else if (!isUtf8(body)) parsed(NOT_UTF8());
    else void parse(request, body.toString(), parsed);
  });
  done();
}
const NOT_UTF8 = (): Error => Object.assign(new Error('the body is not UTF-8'), { statusCode: 400 });

// Registered, it acts on the scope that registers it instead of one of its own.
Object.defineProperty(branchBodies, Symbol.for('skip-override'), { value: true });

function route<Payload>(handler: BranchHandler<Payload>, options: Partial<BranchOptions<Payload>>): FastifyHandler {
  return async (request, reply) => {
    const onError = options.onError ?? (isSilent(request.log) ? undefined : logTo(request.log));
    // Fastify gives null for a request without a body; a coordinator sends JSON null only for a
    // payload that is null, which is alike.
    const readBody = () => parsedBody(request.body ?? undefined, request.headers);
    const serve = branchServer(handler, { ...options, ...(onError !== undefined && { onError }) });
    const { status, text } = await serve({
      method: request.method,
      url: request.url,
      header: headerOf(request),
      readBody,
    });
    return reply.code(status).type('application/json').send(text);
  };
}

/** Fastify's log is off by default; then it has no level. */
const isSilent = ({ level }: FastifyRequest['log']): boolean => level === undefined || level === 'silent';

const logTo =
  (log: FastifyRequest['log']): NonNullable<ErrorOptions['onError']> =>
  (error, call) =>
    log.error({ err: error, gid: call?.gid, branch: call?.branchId }, 'branch call failed');
