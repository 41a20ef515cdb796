import type { LoadResult } from './load.ts';

const NUMBERS = [
  'durationUs',
  'responses',
  'p50Us',
  'p99Us',
  'status',
  'body',
  'connect',
  'read',
  'write',
  'timeout',
] as const;
type WrkNumbers = Readonly<Record<(typeof NUMBERS)[number], number>>;

/** Parses the line that `sagas.lua` writes at the end of wrk's output. Throws if there is none. */
export function parseWrkOutput(output: string): LoadResult {
  const line = /^result (\{.*\})$/m.exec(output)?.[1];
  if (line === undefined) throw new Error(`wrk printed no result line: ${output.trim() || 'no output at all'}`);
  const numbers = readNumbers(line);
  return {
    seconds: numbers.durationUs / 1e6,
    completed: numbers.responses - numbers.status - numbers.body,
    p50Ms: numbers.p50Us / 1e3,
    p99Ms: numbers.p99Us / 1e3,
    statusErrors: numbers.status,
    bodyErrors: numbers.body,
    socketErrors: numbers.connect + numbers.read + numbers.write + numbers.timeout,
  };
}

function readNumbers(line: string): WrkNumbers {
  const parsed = JSON.parse(line) as Partial<WrkNumbers>;
  for (const name of NUMBERS) {
    if (typeof parsed[name] !== 'number') throw new Error(`wrk's result lacks ${name}: ${line}`);
  }
  return parsed as WrkNumbers;
}
