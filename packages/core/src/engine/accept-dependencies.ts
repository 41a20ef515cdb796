import { type FieldPath, HoldfastError, LIMITS, shown } from '@holdfast/protocol';

/**
 * The dependencies as a whole. `/api/v1` has those of each step instead, which are counted when its
 * requests are read, and under no other key than the step's index.
 */
const ALL: FieldPath = ['orders'];
/** Most steps that the message about a cycle lists. */
const MOST_NAMED = 20;
/** Part of an invalid key that its error shows. */
const LONGEST_KEY = 32;

type Dependencies = Readonly<Record<string, readonly number[]>>;

/**
 * Checks the dependencies of a saga's steps in linear time. They are counted first. Each step must
 * be named once, by its index as JSON writes an integer, and the dependencies must not form a
 * cycle, whose steps could never start. Throws `invalid` or `too_large`.
 */
export function acceptDependencies(gid: string, orders: Dependencies, count: number): void {
  const steps = Object.keys(orders);
  acceptCounts(gid, orders, steps, count);
  const lists = new Map(steps.map((step) => [acceptIndex(gid, step, count), orders[step] ?? []]));
  const listedBy = new Int32Array(count).fill(-1);
  for (const [step, before] of lists) acceptList(gid, step, before, listedBy);
  refuseCycle(gid, lists, count);
}

function acceptCounts(gid: string, orders: Dependencies, steps: readonly string[], count: number): void {
  // With more keys than steps, at least one index is invalid; `acceptIndex` names that index.
  const listed = steps.length > count ? steps.slice(0, count + 1) : steps;
  let dependencies = 0;
  for (const step of listed) dependencies += orders[step]?.length ?? 0;
  if (dependencies <= LIMITS.dependencies) return;
  const fault = `a saga has at most ${LIMITS.dependencies} dependencies, this one has ${dependencies}`;
  throw new HoldfastError('too_large', fault, { gid, field: ALL });
}

/**
 * The step index in a key. `"01"`, `"1.0"` and `" 1"` are rejected: no later lookup would find
 * these keys.
 */
function acceptIndex(gid: string, key: string, count: number): number {
  const index = Number(key);
  if (isStep(index, count) && String(index) === key) return index;
  const written = shown(key, LONGEST_KEY);
  const fault =
    isStep(index, count) && key.trim() !== ''
      ? `${written} must be written "${index + 0}": an index without blanks, signs, leading zeros or fractions`
      : `${written} is not the index of a step; ${rangeOf(count)}`;
  throw new HoldfastError('invalid', fault, { gid, field: ALL });
}

/**
 * `listedBy` holds, for each step, the last step that listed it. One array for all lists takes half
 * of the time of a set for each list.
 */
function acceptList(gid: string, step: number, before: readonly number[], listedBy: Int32Array): void {
  const count = listedBy.length;
  for (const earlier of before) {
    if (!isStep(earlier, count))
      throw invalid(
        gid,
        step,
        `step ${step} depends on step ${String(earlier)}, which does not exist; ${rangeOf(count)}`,
      );
    if (earlier === step) throw invalid(gid, step, `step ${step} depends on itself and could never start`);
    if (listedBy[earlier] === step) throw invalid(gid, step, `step ${step} lists step ${earlier} twice`);
    listedBy[earlier] = step;
  }
}

/**
 * Orders the steps topologically. A step that cannot be placed is in a cycle or depends on a cycle.
 */
function refuseCycle(gid: string, lists: ReadonlyMap<number, readonly number[]>, count: number): void {
  const missing = Array.from({ length: count }, (_, step) => lists.get(step)?.length ?? 0);
  const dependents: number[][] = Array.from({ length: count }, () => []);
  for (const [step, before] of lists) for (const earlier of before) dependents[earlier]?.push(step);
  const ready = missing.flatMap((left, step) => (left === 0 ? [step] : []));
  for (let placed = 0; placed < ready.length; placed++) {
    for (const step of dependents[ready[placed] ?? 0] ?? []) {
      const left = (missing[step] ?? 0) - 1;
      missing[step] = left;
      if (left === 0) ready.push(step);
    }
  }
  if (ready.length === count) return;
  const stuck = missing.flatMap((left, step) => (left > 0 ? [step] : []));
  const named = stuck.slice(0, MOST_NAMED).join(', ') + (stuck.length > MOST_NAMED ? ', …' : '');
  throw invalid(gid, stuck[0] ?? 0, `the dependencies form a cycle, so that steps ${named} could never start`);
}

const isStep = (n: number, count: number): boolean => Number.isInteger(n) && n >= 0 && n < count;

const rangeOf = (count: number): string => (count === 0 ? 'there are no steps' : `steps are 0 to ${count - 1}`);

const invalid = (gid: string, step: number, fault: string): HoldfastError =>
  new HoldfastError('invalid', fault, { gid, field: ['steps', step, 'after'] });
