import { existsSync } from 'node:fs';
import { describe, expect, it, onTestFinished } from 'vitest';
import { BROKEN_BUILDS } from '../src/broken-builds.ts';
import { withPatchedBuild } from '../src/patched-build.ts';
import { HEALTHY } from './convict.ts';
import { wholeCrashTest } from './whole-crash-test.ts';

describe('a coordinator that is killed under load', () => {
  // Ten kills, secured: `crash.long.test.ts`.
  wholeCrashTest({ ...HEALTHY, seconds: 10, kills: 5 });
});

describe('the builds that are broken on purpose', () => {
  // Each takes a quarter of a minute to convict: `broken-builds.long.test.ts`.
  it.each(BROKEN_BUILDS)('$name: its patch fits', ({ patches }) => {
    const build = withPatchedBuild(...patches);
    onTestFinished(() => build.dispose());
    expect(existsSync(build.cliPath)).toBe(true);
  });
});
