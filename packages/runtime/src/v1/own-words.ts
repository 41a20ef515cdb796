import type { HoldfastError } from '@holdfast/protocol';

/** The engine names fields as dtm's wire does; `/api/v1` has other names. */
const OWN_NAMES: readonly (readonly [RegExp, string])[] = [
  [/\bpayloads\[(\d+)\]/g, 'steps[$1].payload'],
  [/\bcustom_data\.orders\b/g, 'steps[].after'],
  [/\bcustom_data\.delay\b/g, 'delayMs'],
  [/\bcustom_data\.name\b/g, 'workflow.name'],
  [/\bcustom_data\.data\b/g, 'workflow.input'],
  [/\btimeout_to_fail\b/g, 'timeoutToFailMs'],
  [/\bretry_limit\b/g, 'retryLimit'],
  [/\bquery_prepared\b/g, 'queryPrepared'],
  [/\bbranch_headers\b/g, 'branchHeaders'],
  [/\bbranch_id\b/g, 'branchId'],
  [/\btrans_type\b/g, 'pattern'],
  [/\brequest_timeout\b/g, 'requestTimeoutMs'],
  [/\bretry_interval\b/g, 'retryIntervalMs'],
  [/\breq_extra\.result\b/g, 'result'],
];

/** A text about a request with the field names of `/api/v1`. */
export const inOwnWords = (text: string): string =>
  OWN_NAMES.reduce((words, [wire, own]) => words.replaceAll(wire, own), text);

/**
 * The message for a client, with the field's name; the text of an internal error stays in the log.
 */
export function messageOf({ code, message, field }: HoldfastError): string {
  if (code === 'internal') return 'internal error; the log of the coordinator has the details';
  return field === undefined || message.includes(field) ? message : `${field}: ${message}`;
}
