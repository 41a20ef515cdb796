import type { Outcome, Verdict } from './outcome.ts';

/** A line of `go tool test2json`, as far as it is read here. */
interface Event {
  readonly Action: string;
  readonly Test?: string;
  readonly Elapsed?: number;
  readonly Output?: string;
}

const VERDICTS: Readonly<Record<string, Verdict>> = { pass: 'pass', fail: 'fail', skip: 'skip' };
/** What the test runner itself writes around a test's own words. */
const FRAME = /^\s*(=== |--- |PASS$|FAIL$|ok\s)/;

/** What the events of one run of the Go suite add up to. */
export interface GoRun {
  readonly outcomes: readonly Outcome[];
  /** What was written outside every case: a panic, a failed set-up. */
  readonly noise: string;
}

/**
 * Reads the output of a Go test binary. A case is a test named `TestGroup/a_sentence`; a group is
 * not a case itself. A case that began and never ended (the program died) counts as failed.
 */
export function readGoRun(text: string): GoRun {
  const outputs = new Map<string, string>();
  const ended = new Map<string, Outcome>();
  let noise = '';
  for (const line of text.split('\n')) {
    const event = parse(line);
    if (event === undefined) {
      noise += line === '' ? '' : `${line}\n`;
      continue;
    }
    const test = event.Test ?? '';
    const output = FRAME.test(event.Output ?? '') ? '' : (event.Output ?? '');
    if (!test.includes('/')) {
      noise += output;
      continue;
    }
    outputs.set(test, (outputs.get(test) ?? '') + output);
    const verdict = VERDICTS[event.Action];
    if (verdict !== undefined) ended.set(test, toOutcome(test, verdict, event.Elapsed ?? 0, outputs.get(test) ?? ''));
  }
  const outcomes = [...outputs].map(
    ([test, output]) => ended.get(test) ?? toOutcome(test, 'fail', 0, `${output}the case never ended\n`),
  );
  return { outcomes, noise };
}

function parse(line: string): Event | undefined {
  try {
    const event: unknown = JSON.parse(line);
    return isEvent(event) ? event : undefined;
  } catch {
    return undefined; // A line of the program's own.
  }
}

function isEvent(value: unknown): value is Event {
  return typeof value === 'object' && value !== null && 'Action' in value && typeof value.Action === 'string';
}

function toOutcome(test: string, verdict: Verdict, elapsedSeconds: number, detail: string): Outcome {
  const [group = '', ...rest] = test.split('/');
  const name = rest.join('/').replaceAll('_', ' ');
  return { group: group.replace(/^Test/, ''), name, verdict, durationMs: Math.round(elapsedSeconds * 1000), detail };
}
