import type { ErrorCode, HoldfastError, ProblemDetails } from '@holdfast/protocol';
import { inOwnWords, messageOf } from '@holdfast/runtime';
import { headOfError, STATUS_OF_ERROR } from './error-status.ts';
import { jsonReply, PROBLEM_TYPE, type Reply } from './reply.ts';

const TITLES: Readonly<Record<ErrorCode, string>> = {
  invalid: 'The request is wrong',
  too_large: 'A limit is exceeded',
  not_found: 'There is no such thing',
  refused: 'The transaction does not allow it',
  unavailable: 'Not possible now',
  overloaded: 'Too much at once',
  internal: 'A defect of the coordinator',
};

/** An error as problem details (RFC 9457). */
export function problemReply(error: HoldfastError): Reply {
  const { code, gid, field, status } = error;
  const problem: ProblemDetails = {
    type: `urn:holdfast:problem:${code}`,
    title: TITLES[code],
    status: STATUS_OF_ERROR[code],
    detail: inOwnWords(messageOf(error)),
    code,
    ...(gid !== undefined && { gid }),
    ...(field !== undefined && { field: inOwnWords(field) }),
    ...(status !== undefined && { transactionStatus: status }),
  };
  return jsonReply(problem.status, problem, PROBLEM_TYPE, headOfError(error));
}
