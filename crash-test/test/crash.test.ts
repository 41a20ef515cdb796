import { existsSync, rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, onTestFinished } from 'vitest';
import { BROKEN_BUILDS, type BrokenBuild } from '../src/broken-builds.ts';
import { figuresOf } from '../src/figures.ts';
import type { RunOptions } from '../src/options.ts';
import { withPatchedBuild } from '../src/patched-build.ts';
import { countKinds, describeResult } from '../src/report.ts';
import { isClean, runCrashTest } from '../src/run.ts';

const CLI = fileURLToPath(new URL('../../packages/server/dist/cli.js', import.meta.url));
const HEALTHY: RunOptions = {
  seconds: 20,
  kills: 10,
  seed: 48,
  rate: 100,
  clients: 100,
  settleSeconds: 60,
  keep: false,
};
/** Short, and not patient: what is broken stays unfinished. */
const BROKEN: RunOptions = { ...HEALTHY, seconds: 6, kills: 3, settleSeconds: 4 };

/** Each run takes a quarter of a minute: two faults are convicted here, the others by `npm run crash-test -- --broken NAME`. */
const CONVICTED_HERE: readonly string[] = ['answer-before-write', 'dropped-branches'];
const convictedHere = ({ name }: BrokenBuild): boolean => CONVICTED_HERE.includes(name);

describe('a coordinator that is killed ten times under load', () => {
  it('keeps every promise', async () => {
    const result = await runCrashTest(HEALTHY, CLI, () => undefined);
    const report = describeResult(HEALTHY, result);
    expect(isClean(result), report).toBe(true);

    // A run in which nothing happens would be clean, too.
    const figures = figuresOf(result.evidence, result.judged);
    expect(result.kills).toHaveLength(10);
    expect(figures.acknowledged, report).toBeGreaterThan(200);
    expect(figures.repeatedCalls, report).toBeGreaterThan(0);
    for (const { outcomes } of figures.byPattern) {
      expect(outcomes.committed, report).toBeGreaterThan(5);
      expect(outcomes['rolled back'], report).toBeGreaterThan(5);
    }
  });
});

describe('the crash test convicts a coordinator with the fault', () => {
  it.each(BROKEN_BUILDS.filter(convictedHere))('$name: $wrong', async ({ patches, leadsTo }) => {
    const build = withPatchedBuild(...patches);
    onTestFinished(() => build.dispose());
    const result = await runCrashTest(BROKEN, build.cliPath, () => undefined);
    if (result.folder !== undefined) rmSync(result.folder, { recursive: true });
    const found = Object.keys(countKinds(result.judged));
    expect(isClean(result)).toBe(false);
    expect(
      found.filter((kind) => leadsTo.some((one) => one === kind)),
      describeResult(BROKEN, result),
    ).not.toEqual([]);
  });

  it.each(BROKEN_BUILDS.filter((build) => !convictedHere(build)))('$name: its patch fits', ({ patches }) => {
    const build = withPatchedBuild(...patches);
    onTestFinished(() => build.dispose());
    expect(existsSync(build.cliPath)).toBe(true);
  });
});
