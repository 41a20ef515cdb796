import type { PassOutcome } from '@holdfast/core';
import {
  ERROR_RULES,
  type ErrorCode,
  type HoldfastError,
  type Pattern,
  renderError,
  type Status,
  withoutSecrets,
} from '@holdfast/protocol';
import { DTM_NAMES } from './field-names.ts';

/** The result of a call on dtm's wire, in dtm's words. */
export type DtmOutcome = { readonly kind: 'SUCCESS' } | DtmFault;

/** `UNKNOWN` is any error that is neither FAILURE nor ONGOING. */
export interface DtmFault {
  readonly kind: 'FAILURE' | 'ONGOING' | 'UNKNOWN';
  readonly message: string;
  /** Status of the transaction, if it is the reason. */
  readonly status: Status | undefined;
  /** The error, if the call was rejected or failed; absent for the result of a pass. */
  readonly error?: DtmError;
}

export interface DtmError {
  readonly code: ErrorCode;
  readonly gid: string | undefined;
  readonly field: string | undefined;
  readonly retryAfterMs?: number;
}

/** The result of every change that was made. */
export const SUCCEEDED: DtmOutcome = { kind: 'SUCCESS' };

const NOT_FINISHED = 'wait result not return success';

/**
 * The result of a submit after one pass (protocol page, "wait_result"). For dtm, a saga or message
 * that has not succeeded is a FAILURE; its `status` is added, since only `aborting` and `failed`
 * mean that it will not succeed.
 */
export function outcomeOf(pattern: Pattern, pass: Omit<PassOutcome, 'view'>): DtmOutcome {
  if (!pass.waited || pass.status === 'succeed') return SUCCEEDED;
  const { status, lastResult, parked } = pass;
  const reason = parked === undefined ? pass.rollbackReason : `parked: ${parked}`;
  const unknown = lastResult?.kind === 'UNKNOWN' || (lastResult?.kind === 'FAILURE' && isTwoPhase(pattern));
  // A tcc whose confirm returns FAILURE is retried; a FAILURE response would make its client
  // believe that it was rolled back.
  if (unknown && pattern !== 'saga' && status === 'submitted')
    return { kind: 'UNKNOWN', message: lastResult.reason, status };
  if (isTwoPhase(pattern) && status === 'submitted')
    return { kind: 'ONGOING', message: lastResult?.reason || 'still running', status };
  return { kind: 'FAILURE', message: withoutSecrets(reason) || NOT_FINISHED, status };
}

const isTwoPhase = (pattern: Pattern): boolean => pattern === 'tcc' || pattern === 'xa';

/** The result of a call that threw. */
export const faultOfError = (error: HoldfastError): DtmFault => faultOf(error, ERROR_RULES[error.code].dtm);

/** As `faultOfError`, with the word given. */
export function faultOf(error: HoldfastError, kind: DtmFault['kind']): DtmFault {
  const { code, message, gid, field, status } = renderError(error, DTM_NAMES);
  const { retryAfterMs } = error;
  return { kind, message, status, error: { code, gid, field, ...(retryAfterMs !== undefined && { retryAfterMs }) } };
}

/**
 * Clients over HTTP search any body for dtm's two words, so a text that means neither must not
 * contain them.
 */
export const withoutWords = (text: string): string => text.replaceAll(/FAILURE|ONGOING/g, (word) => word.toLowerCase());
