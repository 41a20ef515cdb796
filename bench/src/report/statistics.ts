/**
 * The middle value; for an even number of values, the mean of the two in the middle. Throws if
 * there are none.
 */
export function median(values: readonly number[]): number {
  if (values.length === 0) throw new RangeError('there is no median of nothing');
  const sorted = values.toSorted((a, b) => a - b);
  const upper = Math.floor(sorted.length / 2);
  const high = sorted[upper] ?? 0;
  return sorted.length % 2 === 1 ? high : ((sorted[upper - 1] ?? 0) + high) / 2;
}

/** The median of the known values; undefined if there are none. */
export function medianOfKnown(values: readonly (number | undefined)[]): number | undefined {
  const known = values.filter((value) => value !== undefined);
  return known.length === 0 ? undefined : median(known);
}

/** The maximum of the known values; undefined if there are none. */
export function maxOfKnown(values: readonly (number | undefined)[]): number | undefined {
  const known = values.filter((value) => value !== undefined);
  return known.length === 0 ? undefined : Math.max(...known);
}

/**
 * The median of the ratios of neighbouring rounds, so that a temporary slowdown of the machine
 * affects both sides of a ratio. Undefined if in every pair one side is unknown or the base is
 * zero.
 */
export function medianRatio(
  values: readonly (number | undefined)[],
  bases: readonly (number | undefined)[],
): number | undefined {
  return medianOfKnown(
    values.map((value, index) => {
      const base = bases[index];
      return value === undefined || base === undefined || base === 0 ? undefined : value / base;
    }),
  );
}
