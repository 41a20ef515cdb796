import { HoldfastError } from '@holdfast/protocol';
import { MOST_PREVIOUS, type StoredToken } from './token-record.ts';

/**
 * The replaced secrets of a token after its next rotation. Those without an overlap are marked as
 * invalid by any clock, since the clock of the node that checks them may be behind.
 */
export function replacedSecrets({ id, hash, previous = [] }: StoredToken, nowMs: number, overlapMs: number) {
  const earlier = overlapMs > 0 ? previous : previous.map((each) => ({ ...each, validUntilMs: 0 }));
  const [valid, ended] = [
    earlier.filter(({ validUntilMs }) => validUntilMs > nowMs),
    earlier.filter(({ validUntilMs }) => validUntilMs <= nowMs),
  ];
  if (valid.length >= MOST_PREVIOUS)
    throw new HoldfastError(
      'refused',
      `the token ${id} has ${valid.length} previous texts that are still valid; wait until the overlap of one has ended, or rotate without an overlap, which ends all of them`,
    );
  return [{ hash, validUntilMs: overlapMs > 0 ? nowMs + overlapMs : 0 }, ...valid, ...ended].slice(0, MOST_PREVIOUS);
}
