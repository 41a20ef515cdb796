import { expect, it } from 'vitest';
import { figuresOf } from '../src/figures.ts';
import type { RunOptions } from '../src/options.ts';
import { describeResult } from '../src/report.ts';
import { isClean, runCrashTest } from '../src/run.ts';
import { CLI } from './convict.ts';

/** Kills a coordinator of this checkout `options.kills` times within `options.seconds`. */
export function wholeCrashTest(options: RunOptions): void {
  it(`keeps every promise through ${options.kills} kills`, async () => {
    const result = await runCrashTest(options, CLI, () => undefined);
    const report = describeResult(options, result);
    expect(isClean(result), report).toBe(true);

    // A run in which nothing happens would be clean, too.
    const figures = figuresOf(result.evidence, result.judged);
    expect(result.disturbed.kills).toHaveLength(options.kills);
    expect(figures.acknowledged, report).toBeGreaterThan(20 * options.kills);
    expect(figures.repeatedCalls, report).toBeGreaterThan(0);
    const { submitted, mixed, calls, checkBacks, callbacks } = figures.grpc;
    for (const count of [submitted, mixed, calls, checkBacks, callbacks]) expect(count, report).toBeGreaterThan(0);
    for (const { outcomes } of figures.byPattern) {
      expect(outcomes.committed, report).toBeGreaterThan(options.kills / 2);
      expect(outcomes['rolled back'], report).toBeGreaterThan(options.kills / 2);
    }
  });
}
