import { expect, test } from 'vitest';
import { figure, percent, renderTable } from '../src/report/table.ts';

test('a table has names to the left and figures to the right', () => {
  const rows = [
    ['lmdb', '9,120'],
    ['a longer name', '7'],
  ];
  expect(renderTable(['store', 'sagas/s'], rows, 1)).toBe(
    ['store          sagas/s', 'lmdb             9,120', 'a longer name        7'].join('\n'),
  );
});

test('what is not known is a dash, not a zero', () => {
  expect([figure(undefined), figure(0), figure(1234.5, 2)]).toEqual(['–', '0', '1,234.50']);
  expect([percent(undefined), percent(0.6), percent(0.0123, 1)]).toEqual(['–', '60 %', '1.2 %']);
});
