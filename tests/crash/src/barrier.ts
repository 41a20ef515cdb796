import type { BarrierRow, OpId } from './journal.ts';

/**
 * The barrier's decision about a call: whether to run the business function, and the rows to write
 * in the same commit.
 */
export interface Verdict {
  readonly skipped: '' | 'empty' | 'repeated';
  readonly rows: readonly BarrierRow[];
}

/** Ops that undo another, and the one they undo. */
const ORIGIN: Readonly<Record<string, string>> = { compensate: 'action', cancel: 'try', rollback: 'action' };

/** The only use of the barrier in one request. */
const BARRIER_ID = '01';

/** The op of a message's local transaction; its row is the response to the check-back. */
const LOCAL = { branchId: '00', op: 'msg' } as const;

/**
 * The participants' barrier: an index over the rows in their journal. The barrier only decides:
 * rows count once the caller has written them and calls `committed`.
 */
export class Barrier {
  readonly #reasons = new Map<string, string>();

  /** Decides about one op of one branch. */
  enter(call: OpId): Verdict {
    const own = row(call, call.op);
    const origin = ORIGIN[call.op];
    const originRow = origin === undefined ? undefined : row({ ...call, op: origin }, call.op);
    const originWasMissing = originRow !== undefined && !this.#has(originRow);
    const repeated = this.#has(own);
    return {
      skipped: repeated ? 'repeated' : originWasMissing ? 'empty' : '',
      rows: [...(originWasMissing ? [originRow] : []), ...(repeated ? [] : [own])],
    };
  }

  /**
   * A message's sender commits. Returns the row to write, or undefined if a check-back has already
   * returned "rolled back" or the sender has already committed.
   */
  enterLocal(gid: string): BarrierRow | undefined {
    const own = row({ gid, ...LOCAL }, LOCAL.op);
    return this.#has(own) ? undefined : own;
  }

  /**
   * A check-back to a message's sender. Returns the row that prevents a later commit, or undefined
   * if there is a row already.
   */
  checkLocal(gid: string): BarrierRow | undefined {
    const forbidding = row({ gid, ...LOCAL }, 'rollback');
    return this.#has(forbidding) ? undefined : forbidding;
  }

  /** Whether the message's local transaction committed, once `checkLocal`'s row is in. */
  localCommitted(gid: string): boolean {
    return this.#reasons.get(keyOf(row({ gid, ...LOCAL }, ''))) === LOCAL.op;
  }

  /** These rows are written down. */
  committed(rows: readonly BarrierRow[]): void {
    for (const one of rows) this.#reasons.set(keyOf(one), one.reason);
  }

  #has(one: BarrierRow): boolean {
    return this.#reasons.has(keyOf(one));
  }
}

function row(id: OpId, reason: string): BarrierRow {
  return { gid: id.gid, branchId: id.branchId, op: id.op, barrierId: BARRIER_ID, reason };
}

/** A tuple, not a joined string: `x-4` + `8` must not meet `x-48`. */
function keyOf(one: BarrierRow): string {
  return JSON.stringify([one.gid, one.branchId, one.op, one.barrierId]);
}
