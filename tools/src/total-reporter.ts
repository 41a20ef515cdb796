import type { Reporter, SerializedError, TestModule, Vitest } from 'vitest/node';
import { addUp, type Total } from './total.ts';

const NEVER_ENDED: Total = { passed: 0, skipped: 0, skips: new Map(), failures: ['the run never ended'] };

/**
 * Prints `N passed, N failed, N skipped` as the last line of a test run, and before it each failed
 * test and the reason for each skipped one. With `HOLDFAST_TEST_REQUIRE=all` each skipped test
 * counts as failed, and so does the run.
 */
export class TotalReporter implements Reporter {
  readonly #skipFails: boolean;
  #filtered = false;
  #total: Total | undefined;

  constructor(options: { readonly skipFails: boolean }) {
    this.#skipFails = options.skipFails;
  }

  onInit(vitest: Vitest): void {
    this.#filtered = vitest.config.testNamePattern !== undefined;
    // Other reporters and Vitest itself may still print after the end of the run, but not after
    // this event.
    process.once('exit', () => this.#close());
  }

  onTestRunEnd(modules: readonly TestModule[], unhandledErrors: readonly SerializedError[]): void {
    const rules = { skipFails: this.#skipFails, filtered: this.#filtered };
    this.#total = addUp(modules, unhandledErrors, rules);
  }

  #close(): void {
    const total = this.#total ?? NEVER_ENDED;
    const failed = total.failures.length;
    if (failed > 0) process.exitCode = 1;
    const lines = [...total.skips].map(([reason, tests]) => explain(reason, tests, this.#skipFails));
    lines.push(...total.failures.map((failure) => `Failed: ${failure}`));
    lines.push(`${total.passed} passed, ${failed} failed, ${total.skipped} skipped`);
    process.stdout.write(`${lines.join('\n')}\n`);
  }
}

function explain(reason: string, tests: readonly string[], skipFails: boolean): string {
  const verdict = skipFails ? 'Failed, because nothing may be skipped here' : 'Skipped';
  return [`${verdict}: ${reason}`, ...tests.map((test) => `  ${test}`)].join('\n');
}
