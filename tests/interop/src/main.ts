import { runGoSuite } from './go-suite.ts';
import { readOptions } from './options.ts';
import { exitCode, formatTable, formatTotals } from './report.ts';
import { Started } from './started.ts';

const started = new Started();

async function main(): Promise<number> {
  const options = readOptions(process.argv.slice(2));
  if ('text' in options) {
    (options.exitCode === 0 ? process.stdout : process.stderr).write(`${options.text}\n`);
    return options.exitCode;
  }
  try {
    const outcomes = await runGoSuite(options, started);
    process.stdout.write(`${formatTable(outcomes)}\n\n${formatTotals(outcomes)}\n`);
    return exitCode(outcomes, process.env['HOLDFAST_TEST_REQUIRE'] === 'all');
  } finally {
    await started.stop();
  }
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
