import { readCommandLine, type Task } from './command-line.ts';
import { compare } from './compare/compare.ts';
import { compareProtocols } from './compare/protocols.ts';
import { renderComparison } from './compare/render.ts';
import { renderSecured } from './compare/render-secured.ts';
import { compareSecured } from './compare/secured.ts';
import { renderProtocols } from './compare/render-protocols.ts';
import { countErrors, type Summary } from './compare/summary.ts';
import { Cleanup } from './processes/cleanup.ts';
import { profilesIn, readProfile } from './profile/read-profile.ts';
import { renderProfile } from './profile/render-profile.ts';
import type { Say } from './report/say.ts';
import { renderScale } from './scale/render.ts';
import { compareScale } from './scale/scale.ts';
import { measureStalls } from './stall/measure.ts';
import { renderStalls } from './stall/render.ts';

/** Progress goes to standard error, so that the figures can be piped. */
const say: Say = (line) => console.error(line);

const cleanup = new Cleanup();
const wanted = readCommandLine(process.argv.slice(2));
let interrupted = false;

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.once(signal, () => {
    interrupted = true;
    void cleanup.run().finally(() => process.exit(130));
  });
}

async function run(task: Task): Promise<string> {
  const json = task.options.output === 'json';
  if (task.kind === 'scale') {
    const result = await compareScale(task.options, cleanup, say);
    return json ? JSON.stringify(result, null, 2) : renderScale(result);
  }
  if (task.kind === 'stall') {
    const result = await measureStalls(task.options, cleanup, say);
    return json ? JSON.stringify(result, null, 2) : renderStalls(result);
  }
  if (task.kind === 'secured') {
    const result = await compareSecured(task.options, cleanup, say);
    failIfErrors(result.lines);
    if (json) return JSON.stringify(result, null, 2);
    return [renderSecured(result), ...profilePages(result.profileFolder)].join('\n\n');
  }
  if (task.kind === 'protocols') {
    const result = await compareProtocols(task.options, cleanup, say);
    failIfErrors(result.lines);
    if (json) return JSON.stringify(result, null, 2);
    return [renderProtocols(result), ...profilePages(result.profileFolder)].join('\n\n');
  }
  const result = await compare(task.options, cleanup, say);
  failIfErrors(result.lines);
  // A store that failed to start makes the run fail; a program that is not installed does not.
  if (result.leftOut.some(({ failed }) => failed)) process.exitCode = 1;
  if (json) return JSON.stringify(result, null, 2);
  return [renderComparison(result), ...profilePages(result.profileFolder)].join('\n\n');
}

/** A run with errors fails: its figures are those of errors too. */
function failIfErrors(lines: readonly Summary[]): void {
  const errors = countErrors(lines);
  if (errors === 0) return;
  say(`${errors} sagas did not succeed: see the column "errors"`);
  process.exitCode = 1;
}

const profilePages = (folder: string | undefined): readonly string[] =>
  folder === undefined
    ? []
    : profilesIn(folder).map((path) => `CPU profile ${path}\n${renderProfile(readProfile(path))}`);

try {
  console.log(await run(wanted));
} catch (error) {
  // During an interruption, work in progress fails as expected.
  if (!interrupted) console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
} finally {
  await cleanup.run();
}
