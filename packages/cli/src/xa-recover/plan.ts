import { nounOfPattern, type TransactionDetails } from '@holdfast/protocol';
import { duration } from '../output/time.ts';
import type { Prepared, Reading } from './prepared.ts';

/** The planned action for a prepared transaction, and its reason. */
export interface Step {
  readonly name: string;
  /** From the reading that the coordinator confirms, otherwise from the likeliest reading. */
  readonly gid: string;
  readonly branchId: string;
  readonly ageMs: number | undefined;
  readonly will: 'commit' | 'rollback' | 'leave';
  /** Status of the global transaction; `unknown` if the coordinator does not have it. */
  readonly status: string;
  readonly why: string;
}

export interface PlanOptions {
  /** Minimum age at which a branch of an unknown global transaction is rolled back. */
  readonly olderThanMs: number;
  /**
   * Also roll back branches of unknown global transactions whose age the database does not report.
   */
  readonly rollBackUnknown: boolean;
}

/** A reading of the name whose gid the coordinator has. */
export interface Known extends Reading {
  readonly details: TransactionDetails;
}

/** Decides by the global transactions that the name may refer to. Pure. */
export function planFor(prepared: Prepared, known: readonly Known[], options: PlanOptions): Step {
  const { name, ageMs, readings } = prepared;
  const [likeliest] = readings;
  const owners = ownersAmong(known);
  const [owner] = owners;
  const { gid, branchId } = owner ?? likeliest;
  if (owner === undefined)
    return { name, gid, branchId, ageMs, status: 'unknown', ...planForUnknown(prepared, options) };
  const step = { name, gid, branchId, ageMs, status: owner.details.status };
  if (owners.length === 1) return { ...step, ...planForKnown(owner) };
  const gids = owners.map((each) => each.gid).join(' or ');
  return { ...step, will: 'leave', why: `it belongs to ${gids}; decide by hand` };
}

type Decision = Pick<Step, 'will' | 'why'>;

/**
 * The readings whose transaction has this branch; if there are none, those whose transaction may
 * have it. With several, the owner cannot be determined.
 */
function ownersAmong(known: readonly Known[]): readonly Known[] {
  const having = known.filter(({ branchId, details }) =>
    details.branches.some((branch) => branch.branchId === branchId),
  );
  const withXa = having.filter(mayOwn);
  if (withXa.length > 0) return withXa;
  const possible = known.filter(mayOwn);
  return possible.length > 0 ? possible : known.filter(({ numbered }) => numbered).slice(0, 1);
}

const mayOwn = ({ numbered, details: { pattern } }: Known): boolean =>
  pattern === 'workflow' || (pattern === 'xa' && numbered);

function planForKnown({ branchId, details }: Known): Decision {
  const { pattern, status } = details;
  if (pattern !== 'xa' && pattern !== 'workflow')
    return { will: 'leave', why: `that gid is a ${nounOfPattern(pattern)}, so it is not an XA branch of Holdfast` };
  switch (status) {
    case 'prepared':
    case 'submitted':
    case 'aborting':
      return {
        will: 'leave',
        why: pattern === 'xa' ? 'the coordinator will finish it' : 'the code of the workflow will finish it',
      };
    case 'failed':
      return { will: 'rollback', why: 'it failed' };
    case 'succeed':
      return planForSucceeded(branchId, details);
  }
}

/**
 * A branch that was never registered, or a step that was not recorded, is not covered by the
 * transaction's decision.
 */
function planForSucceeded(branchId: string, { pattern, branches }: TransactionDetails): Decision {
  const own = branches.filter((branch) => branch.branchId === branchId);
  if (own.length === 0) return { will: 'leave', why: 'the transaction succeeded without this branch; decide by hand' };
  const failed = pattern === 'workflow' && own.some(({ op, status }) => op === 'action' && status === 'failed');
  return failed
    ? { will: 'rollback', why: 'the transaction succeeded without this step, which had failed' }
    : { will: 'commit', why: 'it succeeded' };
}

function planForUnknown({ ageMs, readings }: Prepared, { olderThanMs, rollBackUnknown }: PlanOptions): Decision {
  if (!readings[0].numbered)
    return {
      will: 'leave',
      why: 'the step of a workflow that the coordinator has no record of, or not of Holdfast; decide by hand',
    };
  if (ageMs === undefined)
    return rollBackUnknown
      ? { will: 'rollback', why: 'the coordinator has no record of it' }
      : { will: 'leave', why: 'this database does not report its age; use --roll-back-unknown' };
  return ageMs >= olderThanMs
    ? { will: 'rollback', why: 'the coordinator has no record of it' }
    : { will: 'leave', why: `younger than ${duration(olderThanMs)}` };
}
