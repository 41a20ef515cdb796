import { ERROR_RULES, type HoldfastError, renderError } from '@holdfast/protocol';
import { DTM_NAMES } from '../dtm/field-names.ts';
import type { Outcome } from '../dtm/outcome.ts';
import { headOfError } from './error-head.ts';
import { jsonReply, type Reply } from './reply.ts';

/** The response to every change that was made. */
export const SUCCESS_REPLY: Reply = jsonReply(200, { dtm_result: 'SUCCESS' });

/** An outcome as a response of dtm's REST: status 200, 409, 425 or 500. */
export function replyOfOutcome(outcome: Outcome): Reply {
  switch (outcome.kind) {
    case 'SUCCESS':
      return SUCCESS_REPLY;
    case 'FAILURE':
      return jsonReply(409, outcome.answer);
    case 'ONGOING':
      return jsonReply(425, outcome.answer);
    case 'UNKNOWN':
      return jsonReply(500, { message: withoutWords(outcome.message), status: outcome.status });
  }
}

/**
 * An error as a response of dtm's REST: a FAILURE, or a message under another status.
 */
export function replyOfError(error: HoldfastError, more: Readonly<Record<string, unknown>> = {}): Reply {
  const { code, message, field } = renderError(error, DTM_NAMES);
  const { dtm, httpStatus } = ERROR_RULES[code];
  if (dtm === 'FAILURE') return failureReply(error, more);
  return jsonReply(httpStatus, { message: withoutWords(message), code, field, ...more }, undefined, headOfError(error));
}

/** A FAILURE with status 409. */
export function failureReply(error: HoldfastError, more: Readonly<Record<string, unknown>> = {}): Reply {
  const { message, status } = renderError(error, DTM_NAMES);
  return jsonReply(409, { dtm_result: 'FAILURE', message, status, ...more });
}

/**
 * Clients search any body for dtm's two words, so a text that means neither must not contain them.
 */
export const withoutWords = (text: string): string => text.replaceAll(/FAILURE|ONGOING/g, (word) => word.toLowerCase());
