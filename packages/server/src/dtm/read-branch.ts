import type { BranchRegistration } from '@holdfast/core';
import { type BranchStatus, type DtmBranch, dtmBranch, nounOfPattern, type Pattern } from '@holdfast/protocol';
import { type DtmRegistration, invalid, parse } from '@holdfast/api';
import { DTM_BOUNDS } from './count-bounds.ts';
import { HALF_PAIR, readPattern } from './read-transaction.ts';

/**
 * Parses the body of `registerBranch`: tcc registers cancel and confirm, xa rollback and commit at
 * one URL, workflow the outcome of one step.
 * @param impliedPattern from the call's older names, for bodies without `trans_type`
 */
export function readRegistration(body: unknown, impliedPattern?: Pattern): DtmRegistration {
  const wire = parse(dtmBranch, body, DTM_BOUNDS);
  const gid = wire['gid'] ?? '';
  if (wire['data']?.isWellFormed() === false) throw invalid(gid, ['data'], HALF_PAIR);
  return registrationOf(gid, wire, Buffer.from(wire['data'] ?? ''), impliedPattern);
}

/** `readRegistration` for a transport whose payload is bytes. */
export function readRegistrationOf(body: unknown, payload: Uint8Array): DtmRegistration {
  const wire = parse(dtmBranch, body, DTM_BOUNDS);
  return registrationOf(wire['gid'] ?? '', wire, payload);
}

function registrationOf(gid: string, wire: DtmBranch, payload: Uint8Array, implied?: Pattern): DtmRegistration {
  const pattern = readPattern(gid, (wire['trans_type'] ?? '') === '' ? implied : wire['trans_type']);
  return { gid, pattern, branches: branchesOf(gid, pattern, wire, payload) };
}

function branchesOf(
  gid: string,
  pattern: Pattern,
  wire: DtmBranch,
  payload: Uint8Array,
): readonly BranchRegistration[] {
  const common = { branchId: wire['branch_id'] ?? '', payload };
  switch (pattern) {
    case 'tcc':
      return (['cancel', 'confirm'] as const).map((op) => ({ ...common, op, url: wire[op] ?? '', status: 'prepared' }));
    case 'xa':
      return (['rollback', 'commit'] as const).map((op) => ({
        ...common,
        op,
        url: wire['url'] ?? '',
        status: 'prepared',
      }));
    case 'workflow':
      return [{ ...common, op: wire['op'] ?? '', url: '', status: readOutcome(gid, wire['status']) }];
    case 'saga':
    case 'msg':
      throw invalid(
        gid,
        ['trans_type'],
        `branches are registered for tcc, xa and workflow; those of a ${nounOfPattern(pattern)} are its steps`,
      );
  }
}

function readOutcome(gid: string, text: string | null | undefined): BranchStatus {
  if (text !== 'succeed' && text !== 'failed')
    throw invalid(gid, ['status'], 'must be succeed or failed, the result of the step');
  return text;
}
