import type { Case } from './case.ts';

const ORIGIN_OF: Readonly<Record<string, string>> = { cancel: 'try', compensate: 'action', rollback: 'action' };

/**
 * The branch barrier of the protocol page, as a participant keeps it in its database: `business`
 * and the rows commit together. Returns whether `business` ran.
 */
export function throughBarrier(one: Case, branchId: string, op: string, business: () => void): boolean {
  const origin = ORIGIN_OF[op];
  const empty = origin !== undefined && inserted(one, branchId, origin);
  const first = inserted(one, branchId, op);
  if (empty || !first) return false;
  business();
  return true;
}

function inserted(one: Case, branchId: string, op: string): boolean {
  const row = `${branchId} ${op}`;
  if (one.barrier.has(row)) return false;
  one.barrier.add(row);
  return true;
}

const LOCAL_ROW = '00 msg';

/**
 * The client's local transaction of a message commits together with its barrier row. Returns false
 * if a check-back came first, so that it must not commit.
 */
export function commitLocally(one: Case): boolean {
  if (!inserted(one, '00', 'msg')) return false;
  one.localCommitted = true;
  return true;
}

/** Returns whether a message's local transaction was committed; if not, it never will be. */
export function checkLocally(one: Case): boolean {
  one.barrier.add(LOCAL_ROW);
  return one.localCommitted;
}
