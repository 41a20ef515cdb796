import type { Random } from '../random.ts';
import type { Cut } from './cutting-proxy.ts';
import type { Moment } from './moments.ts';

interface Rate {
  /** Requests per cut, on average. */
  readonly every: number;
  /** In turns, so that a short run has all of them. */
  readonly cuts: readonly Cut[];
}

const RATES: Readonly<Record<Moment, Rate>> = {
  begin: { every: 50, cuts: ['cut'] },
  barrier: { every: 35, cuts: ['cut', 'response lost'] },
  commit: { every: 14, cuts: ['response lost', 'cut', 'response torn'] },
  prepare: { every: 10, cuts: ['response lost', 'cut'] },
  'end of prepared': { every: 10, cuts: ['response lost', 'cut'] },
  script: { every: 30, cuts: ['response lost', 'cut', 'response torn'] },
};

interface Turn {
  /** Requests before the next cut. */
  left: number;
  cuts: number;
}

/**
 * Chooses the requests at which connections break: a random one per interval, so that the number
 * of requests alone, and not luck, decides whether a run meets each kind of cut.
 */
export function cutChooser(random: Random): (moment: Moment) => Cut | undefined {
  const turns = new Map<Moment, Turn>();
  return (moment) => {
    const { every, cuts } = RATES[moment];
    const turn = turns.get(moment) ?? { left: random.between(0, Math.floor(every / 2)), cuts: 0 };
    turns.set(moment, turn);
    if (turn.left-- > 0) return undefined;
    turn.left = random.between(Math.floor(every / 2), Math.floor(every * 1.5));
    return cuts[turn.cuts++ % cuts.length];
  };
}
