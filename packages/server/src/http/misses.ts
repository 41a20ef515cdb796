import { ERROR_RULES, type ErrorCode, type HoldfastError, JSON_RPC_CODES } from '@holdfast/protocol';
import { headOfError } from './error-head.ts';
import { jsonReply, PROBLEM_TYPE, type Reply } from './reply.ts';
import type { Match } from './router.ts';

const LONGEST_SHOWN = 200;

/** The response for a path without a route: names the nearest path, or the methods of this one. */
export function replyOfMiss(match: Exclude<Match, { kind: 'route' }>, path: string): Reply {
  if (match.kind === 'wrong-method') {
    const allow = match.allow.join(', ');
    const head = ['Allow', allow];
    return reply(path, 405, 'invalid', `this path takes ${allow}`, {}, head, 'The path does not support this method');
  }
  const { nearest } = match;
  const hint = nearest === undefined ? '' : `; the nearest there is: ${nearest}`;
  return reply(path, 404, 'not_found', `there is nothing at ${path.slice(0, LONGEST_SHOWN)}${hint}`, { nearest });
}

/**
 * The response to a request that is rejected before it reaches its route, in the error format of
 * that API: problem details, a JSON-RPC error (without an ID, since the body was not read), or
 * dtm's message.
 */
export const refusal = (path: string, status: number, message: string, head?: readonly string[]): Reply =>
  reply(path, status, status === 503 ? 'unavailable' : 'invalid', message, {}, head, 'The request was rejected');

/** As `refusal`, for an error with a code. */
export function refusalOf(path: string, error: HoldfastError): Reply {
  const { code, message } = error;
  return reply(path, ERROR_RULES[code].httpStatus, code, message, {}, headOfError(error), ERROR_RULES[code].title);
}

/** Each API has its own error format. */
function reply(
  path: string,
  status: number,
  code: ErrorCode,
  message: string,
  more: Readonly<Record<string, unknown>>,
  head?: readonly string[],
  title = 'No such path',
): Reply {
  if (path === JSON_RPC_PATH) {
    const error = { code: status < 500 ? JSON_RPC_CODES.badRequest : JSON_RPC_CODES.failed, message };
    return jsonReply(status, { jsonrpc: '2.0', error, id: null }, undefined, head);
  }
  if (path !== V1 && !path.startsWith(`${V1}/`)) return jsonReply(status, { message, code, ...more }, undefined, head);
  const problem = { type: `urn:holdfast:problem:${code}`, title, status, detail: message, code };
  return jsonReply(status, { ...problem, ...more }, PROBLEM_TYPE, head);
}

const V1 = '/api/v1';
const JSON_RPC_PATH = '/api/json-rpc';
