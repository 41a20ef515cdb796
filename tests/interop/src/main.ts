import { GENERATED_SUITE } from './generated-cases.ts';
import { GO_SUITE } from './go-cases.ts';
import { JAVA_SUITE } from './java-cases.ts';
import { caseListOf, differences } from './compatibility/case-list.ts';
import { readCaseList, writeDocs } from './compatibility/files.ts';
import { type Options, readOptions } from './options.ts';
import type { Outcome } from './outcome.ts';
import { PYTHON_SUITE } from './python-cases.ts';
import { exitCode, formatTable, formatTotals } from './report.ts';
import { runSuites } from './run-suites.ts';
import { Started } from './started.ts';
import type { Suite, SuiteOutcomes } from './suite.ts';

const SUITES: readonly Suite[] = [GO_SUITE, PYTHON_SUITE, JAVA_SUITE, GENERATED_SUITE];
const started = new Started();

async function main(): Promise<number> {
  const options = readOptions(process.argv.slice(2));
  if ('text' in options) {
    (options.exitCode === 0 ? process.stdout : process.stderr).write(`${options.text}\n`);
    return options.exitCode;
  }
  try {
    const chosen = SUITES.filter((suite) => options.suites.includes(suite.name));
    const results = await runSuites(chosen, options, started);
    for (const { suite, outcomes } of results) {
      process.stdout.write(`\n${suite.title}\n${formatTable(outcomes)}\n`);
    }
    const outcomes = [...results.flatMap((result) => result.outcomes), ...(await compareDocs(options, results))];
    process.stdout.write(formatTable(outcomes.filter(({ group }) => group === 'Suite')));
    process.stdout.write(`\n${formatTotals(outcomes)}\n`);
    return exitCode(outcomes, process.env['HOLDFAST_TEST_REQUIRE'] === 'all');
  } finally {
    await started.stop();
  }
}

/**
 * Writes the documentation if the options specify it and every case has passed. Returns how a whole
 * run differs from the documentation.
 */
async function compareDocs(options: Options, results: readonly SuiteOutcomes[]): Promise<readonly Outcome[]> {
  const passed = results.every(({ outcomes }) => outcomes.every(({ verdict }) => verdict === 'pass'));
  if (options.writeDocs && passed) await writeDocs(caseListOf(results));
  const isWhole = options.target === undefined && options.run === undefined;
  return isWhole ? differences(await readCaseList(), results) : [];
}

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    void started.stop().finally(() => process.exit(130));
  });
}

void main()
  .catch((error: unknown) => {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    return 1;
  })
  .then((code) => (process.exitCode = code));
