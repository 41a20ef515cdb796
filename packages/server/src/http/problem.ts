import { ERROR_RULES, type HoldfastError, type ProblemDetails, problemType } from '@holdfast/protocol';
import { inOwnWords, messageOf } from '@holdfast/runtime';
import { headOfError } from './error-head.ts';
import { jsonReply, PROBLEM_TYPE, type Reply } from './reply.ts';

/** An error as problem details (RFC 9457). */
export function problemReply(error: HoldfastError): Reply {
  const { code, gid, field, status, outcome } = error;
  const { httpStatus, title } = ERROR_RULES[code];
  const problem: ProblemDetails = {
    type: problemType(code),
    title,
    status: httpStatus,
    detail: inOwnWords(messageOf(error)),
    code,
    ...(gid !== undefined && { gid }),
    ...(field !== undefined && { field: inOwnWords(field) }),
    ...(status !== undefined && { transactionStatus: status }),
    ...(outcome !== undefined && { outcome }),
  };
  return jsonReply(problem.status, problem, PROBLEM_TYPE, headOfError(error));
}
