import { ERROR_RULES, type HoldfastError } from '@holdfast/protocol';
import { type DtmFault, type DtmOutcome, faultOfError, withoutWords } from '@holdfast/api';
import { headOfError } from './error-head.ts';
import { jsonReply, type Reply } from './reply.ts';

const SUCCESS_REPLY: Reply = jsonReply(200, { dtm_result: 'SUCCESS' });

/** An outcome as a response of dtm's REST. */
export const replyOfOutcome = (outcome: DtmOutcome): Reply =>
  outcome.kind === 'SUCCESS' ? SUCCESS_REPLY : replyOfFault(outcome);

/** An error as a response of dtm's REST. */
export const replyOfError = (error: HoldfastError): Reply => replyOfFault(faultOfError(error));

/** A fault as a response: 409, 425, or a message under another status. */
export function replyOfFault(fault: DtmFault, more: Readonly<Record<string, unknown>> = {}): Reply {
  const { kind, message, status, error } = fault;
  if (kind !== 'UNKNOWN') return jsonReply(STATUS_OF_WORD[kind], { dtm_result: kind, message, status, ...more });
  const text = withoutWords(message);
  if (error === undefined) return jsonReply(500, { message: text, status });
  const { code, field } = error;
  return jsonReply(
    ERROR_RULES[code].httpStatus,
    { message: text, code, field, ...more },
    undefined,
    headOfError(error),
  );
}

const STATUS_OF_WORD = { FAILURE: 409, ONGOING: 425 } as const;
