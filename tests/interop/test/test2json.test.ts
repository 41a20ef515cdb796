import { expect, it } from 'vitest';
import { readGoRun } from '../src/test2json.ts';

function lines(...events: object[]): string {
  return events.map((event) => JSON.stringify(event)).join('\n');
}

it('makes one case of each sub-test, with its words and without the runner’s', () => {
  const run = readGoRun(
    lines(
      { Action: 'run', Test: 'TestSaga' },
      { Action: 'run', Test: 'TestSaga/rolls_back_(MariaDB)' },
      { Action: 'output', Test: 'TestSaga/rolls_back_(MariaDB)', Output: '=== RUN   TestSaga/rolls_back_(MariaDB)\n' },
      { Action: 'output', Test: 'TestSaga/rolls_back_(MariaDB)', Output: '    saga_test.go:7: want 100, got 70\n' },
      { Action: 'fail', Test: 'TestSaga/rolls_back_(MariaDB)', Elapsed: 1.25 },
      { Action: 'fail', Test: 'TestSaga', Elapsed: 1.25 },
      { Action: 'fail' },
    ),
  );
  expect(run.outcomes).toEqual([
    {
      group: 'Saga',
      name: 'rolls back (MariaDB)',
      verdict: 'fail',
      durationMs: 1250,
      detail: '    saga_test.go:7: want 100, got 70\n',
    },
  ]);
});

it('keeps passed and skipped cases apart', () => {
  const run = readGoRun(
    lines(
      { Action: 'run', Test: 'TestXa/a' },
      { Action: 'run', Test: 'TestXa/b' },
      { Action: 'output', Test: 'TestXa/b', Output: 'MariaDB is not installed\n' },
      { Action: 'skip', Test: 'TestXa/b' },
      { Action: 'pass', Test: 'TestXa/a' },
    ),
  );
  expect(run.outcomes.map(({ name, verdict }) => [name, verdict])).toEqual([
    ['a', 'pass'],
    ['b', 'skip'],
  ]);
});

it('counts a case that never ended as failed', () => {
  const run = readGoRun(lines({ Action: 'run', Test: 'TestTcc/hangs' }));
  expect(run.outcomes).toMatchObject([{ verdict: 'fail', detail: 'the case never ended\n' }]);
});

it('keeps what was written outside every case', () => {
  const run = readGoRun(`INTEROP_TARGET is not set\n${lines({ Action: 'output', Output: 'panic: no database\n' })}`);
  expect(run).toEqual({ outcomes: [], noise: 'INTEROP_TARGET is not set\npanic: no database\n' });
});
