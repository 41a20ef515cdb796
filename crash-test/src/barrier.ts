import type { BarrierRow, OpId } from './journal.ts';

/**
 * What the barrier says about a call: run the business function, or leave it out; either way these
 * rows go into the same commit.
 */
export interface Verdict {
  readonly skipped: '' | 'empty' | 'repeated';
  readonly rows: readonly BarrierRow[];
}

/** Ops that undo another, and the one they undo. */
const ORIGIN: Readonly<Record<string, string>> = { compensate: 'action', cancel: 'try', rollback: 'action' };

/** The only use of the barrier in one request. */
const BARRIER_ID = '01';

/** A message's local transaction, and the row that answers the coordinator's question about it. */
const LOCAL = { branchId: '00', op: 'msg' } as const;

/**
 * The participants' barrier: an index over the rows in their journal. It only decides; rows count
 * once the caller has written them down and says so with `committed`.
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
   * A message's sender commits: its row, or nothing when a question was answered "rolled back" (or
   * it committed) before.
   */
  enterLocal(gid: string): BarrierRow | undefined {
    const own = row({ gid, ...LOCAL }, LOCAL.op);
    return this.#has(own) ? undefined : own;
  }

  /**
   * A message's sender is asked: the row that forbids a later commit, or nothing when a row is
   * there already.
   */
  askLocal(gid: string): BarrierRow | undefined {
    const forbidding = row({ gid, ...LOCAL }, 'rollback');
    return this.#has(forbidding) ? undefined : forbidding;
  }

  /** Whether the message's local transaction committed, once `askLocal`'s row is in. */
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
