import type { Random } from '../random.ts';
import type { Cut } from './cutting-proxy.ts';
import type { Moment } from './moments.ts';

interface Chance {
  readonly probability: number;
  /** In turns, so that a short run has all of them. */
  readonly cuts: readonly Cut[];
}

const CHANCES: Readonly<Record<Moment, Chance>> = {
  begin: { probability: 0.02, cuts: ['cut'] },
  barrier: { probability: 0.03, cuts: ['cut', 'response lost'] },
  commit: { probability: 0.08, cuts: ['response lost', 'cut', 'response torn'] },
  prepare: { probability: 0.1, cuts: ['response lost', 'cut'] },
  'end of prepared': { probability: 0.1, cuts: ['response lost', 'cut'] },
  script: { probability: 0.03, cuts: ['response lost', 'cut', 'response torn'] },
};

/** Chooses the requests at which connections break. */
export function cutChooser(random: Random): (moment: Moment) => Cut | undefined {
  const turns = new Map<Moment, number>();
  return (moment) => {
    const { probability, cuts } = CHANCES[moment];
    if (!random.chance(probability)) return undefined;
    const turn = turns.get(moment) ?? 0;
    turns.set(moment, turn + 1);
    return cuts[turn % cuts.length];
  };
}
