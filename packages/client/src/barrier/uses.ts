import type { BranchKey } from './barrier.ts';

/** The barrier id column holds two digits for all that anybody needs. */
const MOST_USES = 99;

/**
 * Numbers the uses of a barrier within one request, by which their rows are told apart.
 *
 * U1  A number belongs to one use: the lowest number that is free.
 * U2  A use that threw gives its number back, whether or not its transaction was committed: the
 *     handler's next attempt gets the same number, so that it finds the rows of a commit whose
 *     response was lost, and so that the undo finds the rows of the attempt that succeeded.
 * U3  A use in the caller's own transaction keeps its number `uncommitted`: the caller may roll
 *     back and try again.
 */
export class Uses {
  readonly #ofCall = new WeakMap<BranchKey, Map<number, 'taken' | 'uncommitted'>>();

  /** @throws {RangeError} the call names a use that cannot be, or has too many */
  take(call: BranchKey): number {
    if (call.use !== undefined) return named(call.use);
    const numbers = this.#numbersOf(call);
    let use = 1;
    while (numbers.has(use)) use++;
    if (use > MOST_USES) throw new RangeError(`A call uses the barrier ${MOST_USES} times at most`);
    numbers.set(use, 'taken');
    return use;
  }

  giveBack(call: BranchKey, use: number): void {
    if (call.use === undefined) this.#numbersOf(call).delete(use);
  }

  /** The use was carried out in a transaction that its caller will commit or roll back. */
  leaveUncommitted(call: BranchKey, use: number): void {
    if (call.use === undefined) this.#numbersOf(call).set(use, 'uncommitted');
  }

  /** Uses that the caller may have rolled back since, lowest number first. */
  uncommitted(call: BranchKey): readonly number[] {
    if (call.use !== undefined) return [];
    return [...this.#numbersOf(call)]
      .flatMap(([use, state]) => (state === 'uncommitted' ? [use] : []))
      .sort((a, b) => a - b);
  }

  #numbersOf(call: BranchKey): Map<number, 'taken' | 'uncommitted'> {
    const known = this.#ofCall.get(call);
    if (known !== undefined) return known;
    const numbers = new Map<number, 'taken' | 'uncommitted'>();
    this.#ofCall.set(call, numbers);
    return numbers;
  }
}

function named(use: number): number {
  if (Number.isInteger(use) && use >= 1 && use <= MOST_USES) return use;
  throw new RangeError(`use: ${use} is not a whole number from 1 to ${MOST_USES}`);
}
