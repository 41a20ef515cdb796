import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ReplyLedger, watchReplies } from './reply-ledger.ts';
import { METHODS, Saboteur } from './saboteur.ts';
import { Scenario } from './sabotaged-scenario.ts';

export interface Reach {
  /** Of methods called more often, calls spread over the run. */
  readonly mostCalls: number;
  /** Tests that share the calls of one method, at most; it has no more than it needs. */
  readonly parts: (method: string) => number;
}

/** A fault may make a method be called that is not called otherwise. */
const AT_LEAST = 3;

/** Plays the scenario once for each call of each dependency, with a fault in that call. */
export function throwingDependencies({ mostCalls, parts }: Reach): void {
  describe('a dependency that throws once', () => {
    const escaped: unknown[] = [];
    const keep = (error: unknown): void => void escaped.push(error);
    const calls = new Map<string, number>();
    let ledger = new ReplyLedger(new Saboteur());
    let unwatch = (): void => {};

    const play = async (saboteur: Saboteur, mayBeParked: number): Promise<readonly string[]> => {
      const scenario = new Scenario(saboteur);
      ledger = scenario.replies;
      await scenario.play(mayBeParked);
      return [...scenario.faults, ...escaped.splice(0).map(String)];
    };

    beforeAll(async () => {
      process.on('unhandledRejection', keep);
      unwatch = watchReplies(() => ledger);
      const saboteur = new Saboteur();
      expect(await play(saboteur, 0)).toEqual([]);
      for (const [name, count] of saboteur.counts) calls.set(name, count);
    });
    afterAll(() => {
      unwatch();
      process.off('unhandledRejection', keep);
    });

    it('meets every dependency in a run without faults', () => {
      expect(Object.keys(METHODS).filter((name) => !calls.has(name))).toEqual([]);
      expect([...calls.keys()].filter((name) => METHODS[name] === undefined)).toEqual([]);
    });

    const tests = Object.keys(METHODS).flatMap((name) =>
      Array.from({ length: parts(name) }, (_, part) => ({ name, part: part + 1, of: parts(name) })),
    );
    it.each(tests)(
      '$name (part $part of $of): all transactions reach their end, replies come once, and nothing is left (E4)',
      async ({ name, part, of }) => {
        const made = calls.get(name) ?? 0;
        const stride = Math.max(1, Math.floor(made / mostCalls)) * of;
        const first = 1 + (part - 1) * (stride / of);
        const found: Record<string, readonly string[]> = {};
        for (const sabotage of METHODS[name] ?? []) {
          for (let nth = first; nth <= Math.max(made, AT_LEAST); nth += stride) {
            const saboteur = new Saboteur(name, nth, sabotage);
            // Nothing but a record that cannot be stored is a reason to park a transaction.
            const faults = await play(saboteur, name === 'store.write' ? 1 : 0);
            const missed = saboteur.hit || nth > made ? [] : ['the call was not made'];
            if (faults.length + missed.length > 0) found[`#${nth} ${sabotage.name}`] = [...faults, ...missed];
          }
        }
        expect(found).toEqual({});
      },
    );
  });
}
