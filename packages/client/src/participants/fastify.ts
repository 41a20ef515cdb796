import type { FastifyReply, FastifyRequest } from 'fastify';
import { answerBranchCall } from './answer.ts';
import type { BranchHandler, BranchOptions } from './call.ts';

export type { BranchCallContext, BranchHandler, BranchOptions } from './call.ts';
export { BranchFailure, BranchOngoing } from '@holdfast/protocol';

/**
 * A Fastify route handler that serves one branch URL: reads the call, runs the handler, and answers the coordinator with what came of it. Fastify
 * parses and bounds the body itself (`bodyLimit`).
 *
 *     app.post('/debit', branch<Debit>(async (call) => { … }))
 *
 * Unless `onError` is given, errors go to the request's own log.
 */
export function branch<Payload = unknown>(
  handler: BranchHandler<Payload>,
  options: BranchOptions<Payload> = {},
): (request: FastifyRequest, reply: FastifyReply) => Promise<FastifyReply> {
  return async (request, reply) => {
    const query = new URL(request.url, 'http://branch').searchParams;
    const onError =
      options.onError ??
      ((error, call) =>
        request.log.error({ err: error, gid: call?.gid, branch: call?.branchId }, 'branch call failed'));
    // Fastify gives null for a request without a body; a coordinator sends JSON null only for a payload that is null, which is alike.
    const readBody = () => request.body ?? undefined;
    const { status, body } = await answerBranchCall(handler, { ...options, onError }, query, readBody);
    return reply.code(status).send(body);
  };
}
