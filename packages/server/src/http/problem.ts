import { ERROR_RULES, type HoldfastError, type ProblemDetails, problemType, renderError } from '@holdfast/protocol';
import { V1_NAMES } from '@holdfast/api';
import { headOfError } from './error-head.ts';
import { jsonReply, PROBLEM_TYPE, type Reply } from './reply.ts';

/** An error as problem details (RFC 9457). */
export function problemReply(error: HoldfastError): Reply {
  const { code, message, fault, gid, field, status } = renderError(error, V1_NAMES);
  const { outcome, retryAfterMs } = error;
  const { httpStatus, title } = ERROR_RULES[code];
  const problem: ProblemDetails = {
    type: problemType(code),
    title,
    status: httpStatus,
    detail: message,
    code,
    ...(gid !== undefined && { gid }),
    ...(field !== undefined && { field, fault }),
    ...(status !== undefined && { transactionStatus: status }),
    ...(outcome !== undefined && { outcome }),
    ...(retryAfterMs !== undefined && { retryAfterMs }),
  };
  return jsonReply(problem.status, problem, PROBLEM_TYPE, headOfError(error));
}
