import type { TransactionDetails } from '@holdfast/protocol';
import { duration } from '../time.ts';
import type { Prepared } from './prepared.ts';

/** What is to be done with a prepared transaction, and why. */
export interface Step extends Prepared {
  readonly will: 'commit' | 'rollback' | 'leave';
  /** As the coordinator knows the global transaction; `unknown` when it does not. */
  readonly status: string;
  readonly why: string;
}

export interface PlanOptions {
  /** One whose global transaction is unknown is rolled back when it is older. */
  readonly olderThanMs: number;
  /** Roll those back, too, whose age the database does not tell. */
  readonly rollBackUnknown: boolean;
}

/** Decides by what the coordinator knows of the global transaction. Pure. */
export function planFor(prepared: Prepared, details: TransactionDetails | undefined, options: PlanOptions): Step {
  if (details === undefined) return { ...prepared, status: 'unknown', ...planForUnknown(prepared, options) };
  return { ...prepared, status: details.status, ...planForKnown(prepared, details) };
}

type Decision = Pick<Step, 'will' | 'why'>;

function planForKnown({ branchId }: Prepared, { pattern, status, branches }: TransactionDetails): Decision {
  if (pattern !== 'xa') return { will: 'leave', why: `that gid is a ${pattern}: not ours` };
  switch (status) {
    case 'prepared':
    case 'submitted':
    case 'aborting':
      return { will: 'leave', why: 'the coordinator ends it' };
    case 'failed':
      return { will: 'rollback', why: 'it failed' };
    case 'succeed':
      // A branch that nobody registered is no part of what was decided.
      return branches.some((branch) => branch.branchId === branchId)
        ? { will: 'commit', why: 'it succeeded' }
        : { will: 'leave', why: 'it succeeded without this branch: decide yourself' };
  }
}

function planForUnknown({ ageMs }: Prepared, { olderThanMs, rollBackUnknown }: PlanOptions): Decision {
  if (ageMs === undefined)
    return rollBackUnknown
      ? { will: 'rollback', why: 'no coordinator knows it' }
      : { will: 'leave', why: 'age not told by this database: --roll-back-unknown' };
  return ageMs >= olderThanMs
    ? { will: 'rollback', why: `no coordinator knows it` }
    : { will: 'leave', why: `younger than ${duration(olderThanMs)}` };
}
