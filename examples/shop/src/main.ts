#!/usr/bin/env node
import { portErrorOf } from './port-error.ts';
import { runDemo } from './run-demo.ts';
import { readSettings, type Settings } from './settings.ts';

const write = (text: string): void => void process.stdout.write(text);

/**
 * Ctrl-C, a service manager's stop, a closed terminal: close cleanly. A second one does not wait.
 */
function closeOnSignal(): AbortSignal {
  const closing = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => {
      if (closing.signal.aborted) process.exit(1);
      closing.abort();
    });
  }
  return closing.signal;
}

function settingsOrExit(): Settings {
  try {
    return readSettings(process.env, process.stdout);
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exit(2);
  }
}

try {
  await runDemo(settingsOrExit(), write, closeOnSignal());
} catch (error) {
  const text = portErrorOf(error) ?? (error instanceof Error ? error.message : String(error));
  process.stderr.write(`\n${text}\n`);
  process.exitCode = 1;
}
