import { type BranchResult, branchResult, type Status, SUCCESS } from '@holdfast/protocol';
import type { BranchCaller, BranchRequest } from '../../../src/index.ts';
import type { ManualClock } from '../../support/manual-clock.ts';

interface Call {
  readonly branchId: string;
  readonly op: string;
  readonly result: BranchResult;
}

const SLOW_MS = 1_500;
const SLOW = ['slow', 'aborted', 'stopped'];
const UNDO = ['compensate', 'cancel', 'rollback'];
const COMPLETE = ['confirm', 'commit'];

/**
 * The services behind the branches; what they do depends on the gid. They keep what was called, in
 * order.
 */
export class Participants implements BranchCaller {
  readonly #clock: ManualClock;
  readonly #onCallback: (gid: string) => Promise<BranchResult>;
  readonly #calls = new Map<string, Call[]>();
  #failures = 2;

  constructor(clock: ManualClock, onCallback: (gid: string) => Promise<BranchResult>) {
    this.#clock = clock;
    this.#onCallback = onCallback;
  }

  destinationOf(): string {
    return 'everywhere';
  }

  call({ gid, pattern, branchId, op }: BranchRequest): Promise<BranchResult> {
    if (op === 'msg') return Promise.resolve(SUCCESS);
    if (pattern === 'workflow') return this.#onCallback(gid);
    const result = this.#resultOf(gid, branchId, op);
    const calls = this.#calls.get(gid) ?? [];
    this.#calls.set(gid, [...calls, { branchId, op, result }]);
    const isSlow = op === 'action' && SLOW.includes(gid);
    if (!isSlow) return Promise.resolve(result);
    return new Promise((resolve) => this.#clock.setTimer(SLOW_MS, () => resolve(result)));
  }

  #resultOf(gid: string, branchId: string, op: string): BranchResult {
    if (gid === 'rolled back' && op === 'action' && branchId === '02') return branchResult('FAILURE', 'no');
    if (gid === 'retried' && this.#failures-- > 0) return branchResult('UNKNOWN', 'down');
    return SUCCESS;
  }

  /** What is wrong about what was called for a transaction that finished; empty: nothing. */
  faultsOf(gid: string, status: Status, branchIds: readonly string[]): readonly string[] {
    const calls = this.#calls.get(gid) ?? [];
    const faults: string[] = [];
    const isUndo = ({ op }: Call): boolean => UNDO.includes(op);
    if (status === 'succeed') {
      if (calls.some(isUndo)) faults.push('succeeded, and something was undone');
      for (const branchId of branchIds)
        if (!calls.some((call) => call.branchId === branchId && !isUndo(call) && call.result.kind === 'SUCCESS'))
          faults.push(`succeeded without branch ${branchId}`);
      return faults;
    }
    if (calls.some(({ op }) => COMPLETE.includes(op))) faults.push('failed, and something was completed');
    const firstUndo = calls.findIndex(isUndo);
    const lastAction = calls.findLastIndex((call) => !isUndo(call));
    if (firstUndo !== -1 && lastAction > firstUndo) faults.push('an action was called after a compensation');
    for (const branchId of branchIds) {
      const own = calls.filter((call) => call.branchId === branchId);
      const mayHaveRun = own.length === 0 ? false : own.some((call) => isUndo(call) || call.result.kind !== 'FAILURE');
      if (mayHaveRun && !own.some((call) => isUndo(call) && call.result.kind === 'SUCCESS'))
        faults.push(`failed without undoing branch ${branchId}`);
    }
    return faults;
  }
}
