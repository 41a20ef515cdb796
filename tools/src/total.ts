import { stripVTControlCharacters } from 'node:util';
import type { TestCase, TestModule, TestSuite } from 'vitest/node';

const LONGEST_LINE = 200;

/** The totals of a test run. */
export interface Total {
  readonly passed: number;
  readonly skipped: number;
  /** Reason → names of the tests that were skipped for it. */
  readonly skips: ReadonlyMap<string, readonly string[]>;
  /** Each failed test, suite or file, with the first line of its error. */
  readonly failures: readonly string[];
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
export function addUp(
  modules: readonly TestModule[],
  unhandledErrors: readonly { readonly message?: string }[],
  rules: SkipRules,
): Total {
  let passed = 0;
  const failures = unhandledErrors.map((error) => `uncaught: ${firstLine(error)}`);
  if (modules.length === 0) failures.push('a run without tests proves nothing');
  let skipped = 0;
  const skips = new Map<string, string[]>();
  for (const module of modules) {
    failures.push(...brokenSuites(module));
    for (const test of module.children.allTests()) {
      const { state, errors } = test.result();
      if (state === 'passed') passed += 1;
      else if (state === 'skipped') {
        const reason = reasonOf(test);
        if (reason === undefined && rules.filtered) continue;
        if (rules.skipFails) failures.push(`${nameOf(test)}: skipped`);
        else skipped += 1;
        const heading = reason ?? 'no reason given';
        skips.set(heading, [...(skips.get(heading) ?? []), nameOf(test)]);
      } else failures.push(`${nameOf(test)}: ${firstLine(errors?.[0])}`);
    }
  }
  return { passed, skipped, skips, failures };
}

/** The suites, including the file, that failed on their own and not through one of their tests. */
function brokenSuites(module: TestModule): readonly string[] {
  const broken = [module, ...module.children.allSuites()].flatMap((suite) => {
    const name = suite.type === 'module' ? suite.relativeModuleId : nameOf(suite);
    return suite.errors().map((error) => `${name}: ${firstLine(error)}`);
  });
  const neverRan = broken.length === 0 && module.children.size === 0 && module.state() !== 'skipped';
  return neverRan ? [`${module.relativeModuleId}: never ran`] : broken;
}

/** Enough to recognise the fault; the output above has the whole error. */
function firstLine(error: { readonly message?: string } | undefined): string {
  const line = stripVTControlCharacters(error?.message ?? 'never ended')
    .split('\n', 1)
    .join('');
  return line.length > LONGEST_LINE ? `${line.slice(0, LONGEST_LINE)}…` : line;
}

function reasonOf(test: TestCase): string | undefined {
  const result = test.result();
  const note = result.state === 'skipped' ? result.note : undefined;
  return note ?? (test.meta() as SkipMeta).skipReason;
}

function nameOf(test: TestCase | TestSuite): string {
  return `${test.module.relativeModuleId} > ${test.fullName}`;
}

/** The part of a skipped suite's meta data that `describeWith` of `@holdfast/testing` sets. */
interface SkipMeta {
  readonly skipReason?: string;
}
