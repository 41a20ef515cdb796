import { expect, it } from 'vitest';
import type { Outcome, Verdict } from '../src/outcome.ts';
import { exitCode, formatTable, formatTotals } from '../src/report.ts';

function outcome(verdict: Verdict, detail = ''): Outcome {
  return { group: 'Saga', name: `a case that is ${verdict}`, verdict, durationMs: 1500, detail };
}

it('counts each verdict in the last line', () => {
  const outcomes = [outcome('pass'), outcome('pass'), outcome('fail'), outcome('skip')];
  expect(formatTotals(outcomes)).toBe('2 passed, 1 failed, 1 skipped');
});

it('prints the output of a case that did not pass directly below its line', () => {
  expect(formatTable([outcome('pass', 'noise\n'), outcome('fail', 'want 100\n\ngot 70\n')]).split('\n')).toEqual([
    '',
    'Saga',
    '  pass    1.50 s  a case that is pass',
    '  FAIL    1.50 s  a case that is fail',
    '        want 100',
    '        got 70',
  ]);
});

it('fails a run with a failed case', () => {
  expect(exitCode([outcome('pass'), outcome('fail')], false)).toBe(1);
});

it('fails a run with a skipped case only where everything is required', () => {
  expect(exitCode([outcome('pass'), outcome('skip')], false)).toBe(0);
  expect(exitCode([outcome('pass'), outcome('skip')], true)).toBe(1);
});

it('fails a run without any case', () => {
  expect(exitCode([], false)).toBe(1);
});
