import { describe, expect, it } from 'vitest';
import { Restarts } from '../../src/workers/restarts.ts';

describe('a worker that died', () => {
  const judge = (restarts: Restarts, servedMs: number | undefined, serving = 1) =>
    restarts.judge({ worker: 1, servedMs, serving });

  it('is restarted after the shortest wait if it had served for a while (R1)', () => {
    const restarts = new Restarts();
    for (let i = 0; i < 20; i++) expect(judge(restarts, 60_000)).toEqual({ kind: 'restart', afterMs: 100 });
  });

  it('is restarted after twice the wait for each death in a row, ten seconds at most (R2)', () => {
    const restarts = new Restarts();
    const waits = Array.from({ length: 9 }, () => judge(restarts, 50)).map((verdict) =>
      'afterMs' in verdict ? verdict.afterMs : 0,
    );
    expect(waits).toEqual([100, 200, 400, 800, 1_600, 3_200, 6_400, 10_000, 10_000]);
    expect(judge(restarts, 20_000)).toEqual({ kind: 'restart', afterMs: 100 });
  });

  it('is abandoned after five failed starts if no other worker serves, and never while one does (R3)', () => {
    const alone = new Restarts();
    const kinds = Array.from({ length: 5 }, () => judge(alone, undefined, 0).kind);
    expect(kinds).toEqual(['restart', 'restart', 'restart', 'restart', 'abandon']);
    const beside = new Restarts();
    for (let i = 0; i < 50; i++) expect(judge(beside, undefined, 1).kind).toBe('restart');
    // A worker that served in between resets the count.
    const fixed = new Restarts();
    for (let i = 0; i < 4; i++) judge(fixed, undefined, 0);
    judge(fixed, 5, 0);
    expect(judge(fixed, undefined, 0).kind).toBe('restart');
  });
});
