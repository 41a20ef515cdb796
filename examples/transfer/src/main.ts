#!/usr/bin/env node
import { CannotRun } from './program/cannot-run.ts';
import { Closer } from './program/closer.ts';
import { readOptions } from './program/options.ts';
import { runProgram } from './program/program.ts';
import { Screen, terminalOf } from './program/screen.ts';

const options = readOptions(process.argv.slice(2));
if ('text' in options) {
  const stream = options.exitCode === 0 ? process.stdout : process.stderr;
  stream.write(`${options.text}\n`);
  process.exit(options.exitCode);
}

const closer = new Closer();
/** Whatever fails from then on fails because of that. */
let stopped = false;
/** As shells count: 128 and the number of the signal. */
const SIGNALS = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 } as const;
for (const [signal, exitCode] of Object.entries(SIGNALS)) {
  // Private databases are not left behind. A second signal does not wait.
  process.once(signal, () => {
    stopped = true;
    void closer.close().finally(() => process.exit(exitCode));
  });
}

try {
  const kept = await runProgram(options, new Screen(terminalOf(process.stdout, process.env)), closer);
  process.exitCode = kept ? 0 : 1;
} catch (error) {
  const known = error instanceof CannotRun;
  const text = error instanceof Error && !known ? error.stack : String(known ? error.message : error);
  if (!stopped) process.stderr.write(`\n${text}\n`);
  process.exitCode = known ? 2 : 1;
} finally {
  await closer.close();
}
