import { randomInt } from 'node:crypto';
import { UsageError } from '../command-line.ts';
import { withPatchedBuild } from '../patched-build.ts';
import { BROKEN_SDKS, type BrokenSdk } from './broken-sdks.ts';
import { HELP, readChaosCommandLine } from './chaos-options.ts';
import { describeChaos } from './chaos-report.ts';
import { isInnocent, runChaos } from './run-chaos.ts';

/** Exit codes: 0 nothing wrong, 1 a violation or a fault that never happened, 2 the run could not be done. */
async function main(): Promise<number> {
  const options = readChaosCommandLine(process.argv.slice(2), randomInt(1, 1_000_000));
  if (options === undefined || options.broken === 'list') {
    const list = BROKEN_SDKS.map(({ name, wrong }) => `${name.padEnd(24)}${wrong}`).join('\n');
    console.log(options === undefined ? HELP : list);
    return 0;
  }
  const broken = options.broken === undefined ? undefined : brokenSdk(options.broken);
  // A copy in any case: a build while this runs must not change what is restarted.
  const build = withPatchedBuild(...(broken?.patches ?? []));
  process.once('exit', () => build.dispose());
  if (broken !== undefined) console.log(`broken on purpose: ${broken.wrong}`);
  const result = await runChaos(options, build, console.log);
  console.log(describeChaos(options, result));
  return isInnocent(result) ? 0 : 1;
}

function brokenSdk(name: string): BrokenSdk {
  const found = BROKEN_SDKS.find((sdk) => sdk.name === name);
  if (found === undefined) throw new UsageError(`--broken ${name}: there is no such SDK; --broken list names them`);
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
