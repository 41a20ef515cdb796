import { randomInt } from 'node:crypto';
import { UsageError } from '../command-line.ts';
import { type Patch, withPatchedBuild } from '../patched-build.ts';
import { BROKEN_SDKS, convictionsOf } from './broken-sdks.ts';
import { type ChaosCommandLine, type ChaosOptions, HELP, readChaosCommandLine } from './chaos-options.ts';
import { describeChaos } from './chaos-report.ts';
import { ISOLATIONS } from './databases/chaos-database.ts';
import { type ChaosResult, isInnocent, runChaos } from './run-chaos.ts';

/** What is broken stays unfinished: `--broken all` does not wait long for it. */
const BROKEN_SETTLE_SECONDS = 10;

/**
 * Exit codes: 0 nothing wrong, 1 a violation, a fault that never happened, a pattern that never
 * succeeded or never failed, or an SDK that was not convicted; 2 the run could not be done.
 */
async function main(): Promise<number> {
  const options = readChaosCommandLine(process.argv.slice(2), randomInt(1, 1_000_000));
  if (options === undefined || options.broken === 'list') {
    const list = BROKEN_SDKS.map(({ name, wrong }) => `${name.padEnd(24)}${wrong}`).join('\n');
    console.log(options === undefined ? HELP : list);
    return 0;
  }
  if (options.broken === 'all') return convictAll(options);
  const broken = BROKEN_SDKS.find(({ name }) => name === options.broken);
  if (broken !== undefined) console.log(`broken on purpose: ${broken.wrong}`);
  const result = await runCopy(options, broken?.patches ?? []);
  console.log(describeChaos(options, result));
  return isInnocent(result) ? 0 : 1;
}

/** Runs each SDK that is broken on purpose, one after the other. */
async function convictAll(options: ChaosCommandLine): Promise<number> {
  let missed = 0;
  for (const broken of BROKEN_SDKS) {
    const { name, database, patches, wrong } = broken;
    const [isolation] = ISOLATIONS[database];
    const own = { ...options, database, isolation, settleSeconds: BROKEN_SETTLE_SECONDS };
    console.log(`\n${name}: ${wrong}`);
    const result = await runCopy(own, patches);
    const found = convictionsOf(broken, result.violations);
    if (found.length === 0) console.log(describeChaos(own, result));
    console.log(found.length > 0 ? `CONVICTED of ${found.length} violations` : 'NOT CONVICTED');
    if (found.length === 0) missed++;
  }
  return missed === 0 ? 0 : 1;
}

/** Runs a copy in any case: a build while this runs must not change what is restarted. */
async function runCopy(options: ChaosOptions, patches: readonly Patch[]): Promise<ChaosResult> {
  const build = withPatchedBuild(...patches);
  const dispose = (): void => build.dispose();
  process.once('exit', dispose);
  try {
    return await runChaos(options, build, console.log);
  } finally {
    process.off('exit', dispose);
    dispose();
  }
}

// An interrupt ends this process, and with it every process that it started.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130));

try {
  process.exitCode = await main();
} catch (error) {
  console.error(error instanceof UsageError ? `${error.message}\n\n${HELP}` : error);
  // Not `exitCode`: a run that failed half-way may leave a server that keeps the process alive.
  process.exit(2);
}
