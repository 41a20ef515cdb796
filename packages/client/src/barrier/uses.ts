import type { BranchKey } from './barrier.ts';
import { BarrierUseUnclear } from './errors.ts';

/** The barrier id column holds two digits for all that anybody needs. */
const MOST_USES = 99;

/** One use of the barrier within a request. */
export interface Use {
  readonly number: number;
  /** It repeats the counted use before it, which its database rolled back. */
  readonly again: boolean;
  /** Counted uses of this request that an earlier request had carried out. */
  readonly repeated: readonly number[];
}

/** The counted uses of one call object. */
interface Counted {
  /** Those that have begun. */
  begun: number;
  /** The use that begins next repeats the last one. */
  again: boolean;
  /** Which use leaves the number of the next one unclear, and how it ended. */
  unclear?: { readonly number: number; readonly why: string };
  /** Transaction of the caller that the last use was carried out in. */
  open?: unknown;
  readonly repeated: number[];
}

/**
 * Numbers the uses of a barrier within one request, by which their rows are told apart. Each
 * request must come to the same numbers, or a use would be carried out twice.
 *
 * U1  A use that its call does not number is counted: 1, 2, 3, in the order in which they begin.
 * U2  A use that its database rolled back in favour of another transaction is repeated by the next
 *     counted use, which takes its number. It must be the last one that began: what began after
 *     it has a number already.
 * U3  After any other failure it is unclear whether the handler repeats the use or goes on, and so
 *     it is after a use in a transaction of the caller, who may have rolled it back. A further
 *     counted use is refused: with either number, some handler would work twice.
 * U4  What a use that repeats (U2) carries out is marked in its row. A later request that finds the
 *     mark cannot know whether the handler had repeated or gone on, and counts no new use.
 */
export class Uses {
  readonly #ofCall = new WeakMap<BranchKey, Counted>();

  /**
   * @throws {RangeError} the call names a use that cannot be, or has too many
   * @throws {BarrierUseUnclear} U3
   */
  take(call: BranchKey): Use {
    if (call.use !== undefined) return { number: named(call.use), again: false, repeated: [] };
    const counted = this.#countedOf(call);
    const { again, unclear } = counted;
    if (unclear !== undefined) throw new BarrierUseUnclear(call, unclear.number, unclear.why);
    if (!again && counted.begun === MOST_USES)
      throw new RangeError(`A call uses the barrier ${MOST_USES} times at most`);
    counted.again = false;
    if (!again) counted.begun++;
    return { number: counted.begun, again, repeated: counted.repeated };
  }

  /** @param lost whether the database rolled the use back in favour of another transaction */
  failed(call: BranchKey, { number }: Use, lost: boolean): void {
    if (call.use !== undefined) return;
    const counted = this.#countedOf(call);
    if (lost && number === counted.begun) counted.again = true;
    else counted.unclear ??= { number, why: 'failed' };
  }

  /** An earlier request had carried the use out. */
  found(call: BranchKey, { number }: Use): void {
    if (call.use === undefined) this.#countedOf(call).repeated.push(number);
  }

  /** The use was carried out in a transaction that its caller will commit or roll back. */
  leaveOpen(call: BranchKey, use: Use, open: unknown): void {
    if (call.use !== undefined) return;
    const counted = this.#countedOf(call);
    if (counted.unclear !== undefined) return;
    counted.open = open;
    const why = 'was in another transaction, which may have been rolled back';
    counted.unclear = { number: use.number, why };
  }

  /** The last use, if that was in this very transaction or an earlier one of its object. */
  lastIn(call: BranchKey, open: unknown): Use | undefined {
    const counted = call.use === undefined ? this.#ofCall.get(call) : undefined;
    if (counted?.unclear === undefined || counted.open !== open) return undefined;
    return { number: counted.unclear.number, again: false, repeated: [] };
  }

  /** The use that was left open is still there, in the transaction of the next one. */
  stands(call: BranchKey): void {
    const counted = this.#countedOf(call);
    delete counted.open;
    delete counted.unclear;
  }

  #countedOf(call: BranchKey): Counted {
    const known = this.#ofCall.get(call);
    if (known !== undefined) return known;
    const counted: Counted = { begun: 0, again: false, repeated: [] };
    this.#ofCall.set(call, counted);
    return counted;
  }
}

function named(use: number): number {
  if (Number.isInteger(use) && use >= 1 && use <= MOST_USES) return use;
  throw new RangeError(`use: ${use} is not a whole number from 1 to ${MOST_USES}`);
}
