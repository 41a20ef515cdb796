import type { TestCase, TestModule } from 'vitest/node';

/** The totals of a test run. */
export interface Total {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  /** Reason → names of the tests that were skipped for it. */
  readonly skips: ReadonlyMap<string, readonly string[]>;
}

export interface SkipRules {
  /** A skipped test counts as failed. */
  readonly skipFails: boolean;
  /** Tests were selected by name: the others are not part of the run. */
  readonly filtered: boolean;
}

/**
 * Counts the tests of a run. Other faults count as failed tests, so that a total without failures
 * means a run without failures: a file that cannot be loaded, a hook that throws, an uncaught
 * error, a test that never finished.
 */
export function addUp(modules: readonly TestModule[], unhandledErrors: number, rules: SkipRules): Total {
  let passed = 0;
  // A run without tests proves nothing.
  let failed = unhandledErrors + (modules.length === 0 ? 1 : 0);
  let skipped = 0;
  const skips = new Map<string, string[]>();
  for (const module of modules) {
    failed += brokenSuites(module);
    for (const test of module.children.allTests()) {
      const { state } = test.result();
      if (state === 'passed') passed += 1;
      else if (state === 'skipped') {
        const reason = reasonOf(test);
        if (reason === undefined && rules.filtered) continue;
        if (rules.skipFails) failed += 1;
        else skipped += 1;
        const heading = reason ?? 'no reason given';
        skips.set(heading, [...(skips.get(heading) ?? []), nameOf(test)]);
      } else failed += 1;
    }
  }
  return { passed, failed, skipped, skips };
}

/**
 * Number of suites, including the file, that failed on their own and not through one of their
 * tests.
 */
function brokenSuites(module: TestModule): number {
  let broken = module.errors().length;
  for (const suite of module.children.allSuites()) broken += suite.errors().length;
  const neverRan = broken === 0 && module.children.size === 0 && module.state() !== 'skipped';
  return neverRan ? 1 : broken;
}

function reasonOf(test: TestCase): string | undefined {
  const result = test.result();
  const note = result.state === 'skipped' ? result.note : undefined;
  return note ?? test.meta().skipReason;
}

function nameOf(test: TestCase): string {
  return `${test.module.relativeModuleId} > ${test.fullName}`;
}

/** Why a suite with all its tests is skipped; a single test passes its reason to `context.skip`. */
export interface SkipMeta {
  readonly skipReason?: string;
}

declare module 'vitest' {
  interface TaskMeta extends SkipMeta {}
}
