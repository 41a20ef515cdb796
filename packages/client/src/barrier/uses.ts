import { currentBranch } from '../participants/branch-context.ts';
import { requestOf } from '../participants/request-mark.ts';
import { noteBarrier } from '../participants/unguarded-work.ts';
import type { BranchKey } from './barrier.ts';
import { BarrierUseUnclear } from './errors.ts';

/** The largest number of two digits, to which barrier IDs are padded. */
const MOST_USES = 99;

/**
 * Whether the work of a use that repeats the lost one is the same function; `again`: it is another
 * one.
 */
export type Mark = 'again' | 'same function again';

/** One use of the barrier within a request. */
export interface Use {
  readonly number: number;
  /** Whether it repeats the previous counted use, which its database rolled back. */
  readonly again: boolean;
  /** The mark of its row (U4); undefined: none. */
  readonly mark: Mark | undefined;
  /** Counted uses of this request that an earlier request had carried out. */
  readonly repeated: readonly number[];
  /** undefined if the caller numbered the use. */
  readonly counted: Counted | undefined;
}

/** The counted uses of one call within one request. */
interface Counted {
  /** By what the last use was counted: the request, or an object without one. */
  by: object;
  /** Number of uses that have begun. */
  begun: number;
  /** Whether the next use repeats the last one. */
  again: boolean;
  /** The work of each use, by number from 1 on. */
  readonly works: unknown[];
  /** The use that leaves the number of the next one unclear, and how it ended. */
  unclear?: { readonly number: number; readonly why: string };
  /** The caller's transaction in which the last use was carried out. */
  open?: unknown;
  readonly repeated: number[];
}

/**
 * Numbers the uses of a barrier within one request, by which their rows are distinguished. Each
 * request must assign the same numbers, or a use would be carried out twice.
 *
 * U1  A use that its call does not number is counted: 1, 2, 3, in the order in which they begin.
 *     Copies of a call that still show its request are counted together, per gid, branch and op.
 * U2  A use that its database rolled back in favour of another transaction is repeated by the next
 *     counted use, which takes its number. The use must be the last one that began: a use that
 *     began after it has a number already. If the use was not the first one, the handler may also
 *     have been started again as a whole, and its first use must not be carried out under this
 *     number. The next use is then a repetition only if the source text of its work is that of the
 *     lost use and of no earlier one, and if the lost use had a transaction to itself: with the
 *     transaction of a caller, the earlier uses in it were rolled back as well.
 * U3  After any other failure it is unclear whether the handler repeats the use or continues with
 *     the next one; likewise after a use in a transaction of the caller, which may have been rolled
 *     back. A further counted use is rejected: with either number, some handler would work twice.
 * U4  The row of a use that repeats (U2) is marked. A later request that finds the mark cannot know
 *     whether the handler had repeated the use or continued with the next one, and counts no new
 *     use. If the work was the same function as that of the lost use, this applies only to a
 *     handler that has several uses with this function.
 * U5  An object that equals the call being served but shows no request (its parts, a JSON round
 *     trip) may come from a further use of the handler, or from another request whose work a queue
 *     carries out here. The first use is counted; a use beside others is rejected, since as a
 *     repetition the further use would be lost, and with a new number the other request's work
 *     would be done twice.
 */
export class Uses {
  readonly #ofRequest = new WeakMap<object, Map<string, Counted>>();

  /**
   * @throws {RangeError} the call has an invalid use number, or too many uses
   * @throws {BarrierUseUnclear} U3, U5
   */
  take(call: BranchKey, work: unknown): Use {
    noteBarrier(call, currentBranch());
    if (call.use !== undefined)
      return { number: named(call.use), again: false, mark: undefined, repeated: [], counted: undefined };
    const request = requestOf(call);
    const counted = this.#countedOf(call, request ?? servedRequest(call) ?? call);
    const { again, unclear } = counted;
    if (unclear !== undefined) throw new BarrierUseUnclear(call, unclear.number, unclear.why);
    const by = request ?? call;
    if (!again && counted.begun > 0 && counted.by !== by)
      throw new BarrierUseUnclear(call, counted.begun, 'was for another object that equals this call');
    if (!again && counted.begun === MOST_USES)
      throw new RangeError(`A call uses the barrier ${MOST_USES} times at most`);
    if (again && counted.begun > 1 && !repeatsLast(counted.works, work)) {
      counted.unclear = { number: counted.begun, why: 'failed, and the handler may have been started again' };
      throw new BarrierUseUnclear(call, counted.unclear.number, counted.unclear.why);
    }
    counted.by = by;
    counted.again = false;
    const mark = again ? markOf(counted.works.at(-1) === work) : undefined;
    if (!again) counted.begun++;
    counted.works[counted.begun - 1] = work;
    return { number: counted.begun, again, mark, repeated: counted.repeated, counted };
  }

  /**
   * @param lost whether the database rolled the use back in favour of another transaction: `alone`
   *   if the transaction was only that of the use
   */
  failed({ counted, number }: Use, lost: 'alone' | 'with others' | undefined): void {
    if (counted === undefined) return;
    const isRepeatable = lost === 'alone' || (lost === 'with others' && number === 1);
    if (isRepeatable && number === counted.begun) counted.again = true;
    else counted.unclear ??= { number, why: 'failed' };
  }

  /** Notes that an earlier request had carried the use out. */
  found({ counted, number }: Use): void {
    counted?.repeated.push(number);
  }

  /**
   * Notes that the use was carried out in a transaction that its caller will commit or roll back.
   */
  leaveOpen({ counted, number }: Use, open: unknown): void {
    if (counted === undefined || counted.unclear !== undefined) return;
    counted.open = open;
    const why = 'was in another transaction, which may have been rolled back';
    counted.unclear = { number, why };
  }

  /** The last use, if it was in this very transaction or an earlier one of its object. */
  lastIn(call: BranchKey, open: unknown): Use | undefined {
    if (call.use !== undefined) return undefined;
    const counted = this.#countedOf(call, requestOf(call) ?? servedRequest(call) ?? call);
    if (counted.unclear === undefined || counted.open !== open) return undefined;
    return { number: counted.unclear.number, again: false, mark: undefined, repeated: [], counted };
  }

  /** Notes that the use left open is still there, in the transaction of the next one. */
  stands({ counted }: Use): void {
    delete counted?.open;
    delete counted?.unclear;
  }

  #countedOf({ gid, transType, branchId, op }: BranchKey, request: object): Counted {
    const ofCalls = this.#ofRequest.get(request) ?? new Map<string, Counted>();
    this.#ofRequest.set(request, ofCalls);
    const key = JSON.stringify([gid, transType, branchId, op]);
    const known = ofCalls.get(key);
    if (known !== undefined) return known;
    const counted: Counted = { by: request, begun: 0, again: false, works: [], repeated: [] };
    ofCalls.set(key, counted);
    return counted;
  }
}

const markOf = (isSame: boolean): Mark => (isSame ? 'same function again' : 'again');

/**
 * Whether a row's reason forbids a further counted use (U4).
 *
 * @param number of the use whose row it is; an earlier request had carried it out
 */
export function forbidsMore(reason: string | undefined, number: number, { counted }: Use): boolean {
  if (reason !== ('same function again' satisfies Mark)) return reason === ('again' satisfies Mark);
  const works = counted?.works ?? [];
  return works.includes(works[number - 1], number);
}

/** Whether work has the text of the last use's work, and none of the earlier ones has (U2). */
function repeatsLast(works: readonly unknown[], work: unknown): boolean {
  const text = sourceOf(work);
  return sourceOf(works.at(-1)) === text && works.slice(0, -1).every((earlier) => sourceOf(earlier) !== text);
}

const sourceOf = (work: unknown): string =>
  typeof work === 'function' ? Function.prototype.toString.call(work) : typeof work;

/** The request being served, if it is a request of this very call. */
function servedRequest({ gid, transType, branchId, op }: BranchKey): object | undefined {
  const served = currentBranch();
  if (served?.gid !== gid || served.branchId !== branchId || served.op !== op) return undefined;
  return served.transType === transType ? requestOf(served) : undefined;
}

/** Barriers of one process that keep their rows in one place count together. */
const usesOfPlaces = new WeakMap<object, Map<string, Uses>>();

/**
 * @param pool the connection pool of the barriers
 * @param table the table of their rows
 */
export function usesOf(pool: object, table: string): Uses {
  const ofTables = usesOfPlaces.get(pool) ?? new Map<string, Uses>();
  usesOfPlaces.set(pool, ofTables);
  const known = ofTables.get(table) ?? new Uses();
  ofTables.set(table, known);
  return known;
}

function named(use: number): number {
  if (Number.isInteger(use) && use >= 1 && use <= MOST_USES) return use;
  throw new RangeError(`use: ${use} is not a whole number from 1 to ${MOST_USES}`);
}
