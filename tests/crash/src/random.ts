/** A seeded source of randomness: the same seed gives the same sequence, on every machine. */
export interface Random {
  /** In [0, 1). */
  next(): number;
  /** True with this probability. */
  chance(probability: number): boolean;
  /** An integer from `low` to `high`, both included. */
  between(low: number, high: number): number;
  /** One of the values, with probabilities in proportion to their weights. */
  weighted<T>(choices: readonly (readonly [weight: number, value: T])[]): T;
}

/**
 * A generator for (seed, stream): streams of one seed do not depend on how much of another was
 * used.
 */
export function createRandom(seed: number, stream: number): Random {
  let state = scramble((scramble(seed >>> 0) ^ Math.imul(stream + 1, 0x9e3779b1)) >>> 0);

  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    return scramble(state) / 0x1_0000_0000;
  };

  return {
    next,
    chance: (probability) => next() < probability,
    between: (low, high) => low + Math.floor(next() * (high - low + 1)),
    weighted: (choices) => pick(choices, next()),
  };
}

function pick<T>(choices: readonly (readonly [weight: number, value: T])[], at: number): T {
  const total = choices.reduce((sum, [weight]) => sum + weight, 0);
  let left = at * total;
  for (const [weight, value] of choices) {
    left -= weight;
    if (left < 0) return value;
  }
  const last = choices.at(-1);
  if (last === undefined) throw new RangeError('nothing to choose from');
  return last[1];
}

/**
 * Mixes the bits of a 32-bit number (two multiply-and-shift rounds), so that neighbouring inputs
 * give unrelated outputs.
 */
function scramble(value: number): number {
  let mixed = value;
  mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
  mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
  return (mixed ^ (mixed >>> 14)) >>> 0;
}
