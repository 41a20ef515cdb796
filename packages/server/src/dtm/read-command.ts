import { dtmCommand } from '@holdfast/protocol';
import { type DtmAbort, type DtmTransaction, invalid, parse } from '@holdfast/api';
import { DTM_BOUNDS } from './count-bounds.ts';
import { readPattern } from './read-transaction.ts';

/** Parses the body of `abort`. */
export function readAbort(body: unknown): DtmAbort {
  const { gid, trans_type, rollback_reason, wait_result } = parse(dtmCommand, body, DTM_BOUNDS);
  const pattern = (trans_type ?? '') === '' ? undefined : readPattern(gid ?? '', trans_type);
  const command = { gid: requireGid(gid), reason: rollback_reason ?? '', waitResult: wait_result ?? false };
  return { ...command, ...(pattern !== undefined && { pattern }) };
}

/** Parses the body of `forceStop` and `resetNextCronTime`. */
export const readCommand = (body: unknown): DtmTransaction => ({
  gid: requireGid(parse(dtmCommand, body, DTM_BOUNDS).gid),
});

/** Throws `invalid` if the gid is missing or empty. */
export function requireGid(gid: string | null | undefined): string {
  if (gid === null || gid === undefined || gid === '') throw invalid('', ['gid'], 'must not be empty');
  return gid;
}
