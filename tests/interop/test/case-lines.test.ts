import { expect, it } from 'vitest';
import { outcomesOf, readCaseLines } from '../src/case-lines.ts';

const started = { group: 'Saga', name: 'commits' };
const passed = { ...started, verdict: 'pass' as const, durationMs: 20, detail: '' };

function lines(...values: object[]): string {
  return values.map((value) => JSON.stringify(value)).join('\n');
}

it('has one outcome for a case that started and ended', () => {
  expect(readCaseLines(lines(started, passed))).toEqual([passed]);
});

it('counts a case that never ended as failed', () => {
  expect(readCaseLines(`${lines(started)}\n{"group":"Saga","na`)).toMatchObject([
    { verdict: 'fail', detail: 'the case never ended\n' },
  ]);
});

it('ignores what is not a case', () => {
  expect(readCaseLines(lines({ ...started, verdict: 'perhaps' }, { a: 1 }, passed))).toEqual([passed]);
});

it('has one more failed case for a program that fails outside its cases', () => {
  expect(outcomesOf(0, [passed], 'noise')).toEqual([passed]);
  expect(outcomesOf(2, [passed], 'no database\n')).toMatchObject([
    passed,
    { verdict: 'fail', detail: 'no database\nthe program ended with 2' },
  ]);
});
