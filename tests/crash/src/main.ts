import { randomInt } from 'node:crypto';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { BROKEN_BUILDS, type BrokenBuild } from './broken-builds.ts';
import { UsageError } from './command-line.ts';
import { HELP, readCommandLine, type CommandLine } from './options.ts';
import { withPatchedBuild } from './patched-build.ts';
import { describePlan, describeResult } from './report.ts';
import { isClean, runCrashTest } from './run.ts';

const CLI = fileURLToPath(new URL('../../../packages/cli/dist/cli.js', import.meta.url));

/** Exit codes: 0 nothing wrong, 1 a violation, 2 the test could not be done. */
async function main(): Promise<number> {
  const options = readCommandLine(process.argv.slice(2), randomInt(1, 1_000_000));
  if (options === undefined || options.broken === 'list') {
    console.log(options === undefined ? HELP : BROKEN_BUILDS.map(describeBroken).join('\n'));
    return 0;
  }
  if (!existsSync(CLI)) throw new UsageError(`${CLI} does not exist: build first (npm run build)`);
  const broken = options.broken === undefined ? undefined : brokenBuild(options.broken);
  if (broken?.shared === true && options.store === 'lmdb')
    throw new UsageError(`--broken ${broken.name} shows on a shared store only: add --store postgres`);
  // Always a copy, so that a concurrent build does not change the code that is restarted.
  const build = withPatchedBuild(...(broken?.patches ?? []));
  process.once('exit', () => build.dispose());
  if (broken !== undefined) console.log(`broken on purpose: ${broken.wrong}`);
  return run({ ...options, secured: options.secured || broken?.secured === true }, build.cliPath);
}

async function run(options: CommandLine, cliPath: string): Promise<number> {
  console.log(describePlan(options));
  const result = await runCrashTest(options, cliPath, console.log);
  console.log(describeResult(options, result));
  return isClean(result) ? 0 : 1;
}

function describeBroken({ name, wrong, rare, shared, secured }: BrokenBuild): string {
  return `${name.padEnd(22)}${wrong}${rare ? ' (found in longer runs)' : ''}${shared ? ' (shared stores only)' : ''}${secured === true ? ' (secured runs only)' : ''}`;
}

function brokenBuild(name: string): BrokenBuild {
  const found = BROKEN_BUILDS.find((build) => build.name === name);
  if (found === undefined) throw new UsageError(`--broken ${name}: there is no such build; --broken list names them`);
  return found;
}

// An interrupt ends this process, and with it every process that it started.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130));

try {
  process.exitCode = await main();
} catch (error) {
  console.error(error instanceof UsageError ? `${error.message}\n\n${HELP}` : error);
  process.exitCode = 2;
}
