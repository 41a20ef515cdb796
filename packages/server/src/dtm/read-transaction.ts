import type { TransactionInput } from '@holdfast/core';
import type { Step, TransactionOptions } from '@holdfast/core/patterns';
import {
  BRANCH_PROTOCOLS,
  type BranchProtocol,
  type DtmTransaction,
  dtmMessageData,
  dtmSagaData,
  dtmTransaction,
  dtmWorkflowData,
  type Pattern,
  PATTERNS,
} from '@holdfast/protocol';
import { type DtmSubmission, type DtmWorkflowEnd, invalid, parse, parseField } from '@holdfast/api';
import { DTM_BOUNDS } from './count-bounds.ts';

/** Parses a transaction as dtm's clients send it. Throws `invalid`, naming the field. */
export const readTransaction = (body: unknown): TransactionInput => readTransactionOf(body);

/** `readTransaction` for a transport whose payloads are bytes. */
export function readTransactionOf(body: unknown, payloads?: readonly Uint8Array[]): TransactionInput {
  const wire = parse(dtmTransaction, body, DTM_BOUNDS);
  return transactionOf(wire, payloads ?? payloadsOf(wire));
}

export const readSubmission = (body: unknown): DtmSubmission => readSubmissionOf(body);

/** `readSubmission` for a transport whose payloads are bytes. */
export function readSubmissionOf(body: unknown, payloads?: readonly Uint8Array[]): DtmSubmission {
  const wire = parse(dtmTransaction, body, DTM_BOUNDS);
  if (wire.trans_type === 'workflow') return { kind: 'workflow-end', end: workflowEndOf(wire) };
  return { kind: 'transaction', input: transactionOf(wire, payloads ?? payloadsOf(wire)) };
}

/** UTF-8 encoding replaces every unpaired surrogate by the same character. */
export const HALF_PAIR = 'must not have half a surrogate pair, which cannot be sent as UTF-8';

const CUSTOM_DATA = ['custom_data'];
const NO_TEXTS: readonly string[] = [];

function transactionOf(wire: DtmTransaction, payloads: readonly Uint8Array[]): TransactionInput {
  const gid = wire.gid ?? '';
  const pattern = readPattern(gid, wire.trans_type);
  const protocol = readProtocol(gid, wire.protocol);
  const options = optionsOf(wire);
  const customData = wire.custom_data ?? '';
  const input = {
    gid,
    pattern,
    protocol,
    steps: stepsOf(wire),
    payloads,
    customData,
    queryPrepared: wire.query_prepared ?? '',
    options,
  };
  return customData === '' ? input : { ...input, ...readCustomData(gid, pattern, customData, options) };
}

/** Parses `trans_type`. */
export function readPattern(gid: string, text: string | null | undefined): Pattern {
  const pattern = PATTERNS.find((one) => one === text);
  if (pattern === undefined) throw invalid(gid, ['trans_type'], `must be one of ${PATTERNS.join(', ')}`);
  return pattern;
}

function readProtocol(gid: string, text: string | null | undefined): BranchProtocol {
  if (text === null || text === undefined || text === '') return 'http';
  const protocol = BRANCH_PROTOCOLS.find((one) => one === text);
  if (protocol === undefined) throw invalid(gid, ['protocol'], `must be one of ${BRANCH_PROTOCOLS.join(', ')}`);
  return protocol;
}

function stepsOf({ steps }: DtmTransaction): readonly Step[] {
  if (steps === null || steps === undefined) return [];
  return steps.map((step) => ({ action: step?.action ?? '', compensate: step?.compensate ?? '' }));
}

/**
 * Payloads are in `payloads`; old clients put them into the steps. Payloads beyond the last step
 * are ignored.
 */
function payloadsOf({ gid, steps, payloads }: DtmTransaction): readonly Uint8Array[] {
  const read: Uint8Array[] = [];
  const texts = payloads ?? NO_TEXTS;
  for (let index = 0; index < (steps?.length ?? 0); index++) {
    const inStep = steps?.[index]?.data;
    if (index >= texts.length && (inStep === null || inStep === undefined)) break;
    const text = texts[index] ?? inStep ?? '';
    if (!text.isWellFormed()) throw invalid(gid ?? '', ['payloads', index], HALF_PAIR);
    read.push(Buffer.from(text));
  }
  return read;
}

/** A hundred years: clients that send a longer duration mean "never". */
const LONGEST_SECONDS = 100 * 365 * 24 * 3_600;

const milliseconds = (seconds: number): number => Math.min(seconds, LONGEST_SECONDS) * 1_000;

type Options = { -readonly [Name in keyof TransactionOptions]?: TransactionOptions[Name] };

/**
 * Only the options present in the request: the submit of a prepared transaction keeps the others as
 * prepared.
 */
function optionsOf(wire: DtmTransaction): Options {
  const options: Options = {};
  if (isSpecified(wire.wait_result)) options.waitResult = wire.wait_result;
  if (isSpecified(wire.concurrent)) options.concurrent = wire.concurrent;
  if (isSpecified(wire.timeout_to_fail)) options.timeoutToFailMs = milliseconds(wire.timeout_to_fail);
  if (isSpecified(wire.retry_interval)) options.retryIntervalMs = milliseconds(wire.retry_interval);
  if (isSpecified(wire.request_timeout)) options.requestTimeoutMs = milliseconds(wire.request_timeout);
  if (isSpecified(wire.retry_limit)) options.retryLimit = wire.retry_limit;
  if (isSpecified(wire.branch_headers)) options.branchHeaders = textsOf(wire.branch_headers);
  return options;
}

const isSpecified = <T>(value: T | null | undefined): value is T => value !== null && value !== undefined;

const textsOf = (map: Readonly<Record<string, string | null>>): Record<string, string> =>
  Object.fromEntries(Object.entries(map).map(([name, text]) => [name, text ?? '']));

/** Fields from `custom_data`, by pattern. */
function readCustomData(gid: string, pattern: Pattern, text: string, options: Options): Partial<TransactionInput> {
  switch (pattern) {
    case 'saga': {
      const { orders, concurrent } = parseField(dtmSagaData, gid, CUSTOM_DATA, text, DTM_BOUNDS);
      if (concurrent === true) options.concurrent = true;
      return isSpecified(orders) && options.concurrent === true ? { orders: ordersOf(orders) } : {};
    }
    case 'msg': {
      const { delay } = parseField(dtmMessageData, gid, CUSTOM_DATA, text, DTM_BOUNDS);
      if (isSpecified(delay)) options.delayMs = milliseconds(delay);
      return {};
    }
    case 'workflow': {
      const { name, data } = parseField(dtmWorkflowData, gid, CUSTOM_DATA, text, DTM_BOUNDS);
      return { workflowName: name ?? '', workflowData: Buffer.from(data ?? '', 'base64') };
    }
    case 'tcc':
    case 'xa':
      return {};
  }
}

const ordersOf = (orders: Readonly<Record<string, readonly number[] | null>>): Record<string, readonly number[]> =>
  Object.fromEntries(Object.entries(orders).map(([step, before]) => [step, before ?? []]));

function workflowEndOf(wire: DtmTransaction): DtmWorkflowEnd {
  const gid = wire.gid ?? '';
  const extra = wire.req_extra ?? {};
  const status = extra['status'];
  if (status !== 'succeed' && status !== 'failed')
    throw invalid(gid, ['req_extra', 'status'], 'must be succeed or failed, the result of the workflow');
  return { gid, status, rollbackReason: extra['rollback_reason'] ?? '', result: extra['result'] ?? '' };
}
