import type { ErrorCode } from '@holdfast/protocol';
import { jsonReply, PROBLEM_TYPE, type Reply } from './reply.ts';
import type { Match } from './router.ts';

const LONGEST_SHOWN = 200;

/** What is answered where no route is: the nearest path there is, or the methods that this one takes. */
export function replyOfMiss(match: Exclude<Match, { kind: 'route' }>, path: string): Reply {
  if (match.kind === 'wrong-method') {
    const allow = match.allow.join(', ');
    return reply(path, 405, 'invalid', `this path takes ${allow}`, {}, ['Allow', allow]);
  }
  const { nearest } = match;
  const hint = nearest === undefined ? '' : `; the nearest there is: ${nearest}`;
  return reply(path, 404, 'not_found', `there is nothing at ${path.slice(0, LONGEST_SHOWN)}${hint}`, { nearest });
}

/** Each API has its own form of an error. */
function reply(
  path: string,
  status: number,
  code: ErrorCode,
  message: string,
  more: Readonly<Record<string, unknown>>,
  head?: readonly string[],
): Reply {
  if (!path.startsWith('/api/v1/')) return jsonReply(status, { message, ...more }, undefined, head);
  const problem = {
    type: `urn:holdfast:problem:${code}`,
    title: 'There is no such route',
    status,
    detail: message,
    code,
  };
  return jsonReply(status, { ...problem, ...more }, PROBLEM_TYPE, head);
}
