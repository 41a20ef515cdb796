import { existsSync } from 'node:fs';
import { describe, expect, it, onTestFinished } from 'vitest';
import { BROKEN_BUILDS } from '../src/broken-builds.ts';
import { figuresOf } from '../src/figures.ts';
import { withPatchedBuild } from '../src/patched-build.ts';
import { describeResult } from '../src/report.ts';
import { isClean, runCrashTest } from '../src/run.ts';
import { CLI, HEALTHY } from './convict.ts';

describe('a coordinator that is killed ten times under load', () => {
  it('keeps every promise', async () => {
    const result = await runCrashTest(HEALTHY, CLI, () => undefined);
    const report = describeResult(HEALTHY, result);
    expect(isClean(result), report).toBe(true);

    // A run in which nothing happens would be clean, too.
    const figures = figuresOf(result.evidence, result.judged);
    expect(result.disturbed.kills).toHaveLength(10);
    expect(figures.acknowledged, report).toBeGreaterThan(200);
    expect(figures.repeatedCalls, report).toBeGreaterThan(0);
    for (const { outcomes } of figures.byPattern) {
      expect(outcomes.committed, report).toBeGreaterThan(5);
      expect(outcomes['rolled back'], report).toBeGreaterThan(5);
    }
  });
});

describe('the builds that are broken on purpose', () => {
  // Each takes a quarter of a minute to convict: `broken-builds.long.test.ts`.
  it.each(BROKEN_BUILDS)('$name: its patch fits', ({ patches }) => {
    const build = withPatchedBuild(...patches);
    onTestFinished(() => build.dispose());
    expect(existsSync(build.cliPath)).toBe(true);
  });
});
