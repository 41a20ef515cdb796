import { type Pattern, PATTERNS, type Status, STATUSES } from '@holdfast/protocol';

const PATTERNS_BY_NAME = new Map<string, Pattern>(PATTERNS.map((pattern) => [pattern, pattern]));
const STATUSES_BY_NAME = new Map<string, Status>(STATUSES.map((status) => [status, status]));

/**
 * Pattern and status of a record, and why it cannot be driven if this version does not have them.
 */
export interface Words {
  readonly pattern: Pattern;
  readonly status: Status;
  readonly unreadable?: string;
}

/**
 * Parses the stored pattern and status of a record. During a rolling upgrade a record may have
 * values of a later version of Holdfast: it is `unreadable`, with placeholders, so that calls that
 * read it among others do not fail.
 */
export function wordsOf(pattern: string, status: string): Words {
  const knownPattern = PATTERNS_BY_NAME.get(pattern);
  const knownStatus = STATUSES_BY_NAME.get(status);
  if (knownPattern !== undefined && knownStatus !== undefined) return { pattern: knownPattern, status: knownStatus };
  const what = knownPattern === undefined ? `the pattern "${pattern}"` : `the status "${status}"`;
  return {
    pattern: knownPattern ?? 'saga',
    status: knownStatus ?? 'submitted',
    unreadable: `it has ${what}, which this version of Holdfast does not know; a later version drives it`,
  };
}
