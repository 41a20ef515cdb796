import { expect, it } from 'vitest';
import { matchesStart, matchesWhole } from '../src/match-output.ts';

it('the width of a column does not matter, the text in it does', () => {
  const page = ['NAME   AGE    WHY', 'a-1    … s    lost'];
  expect(matchesWhole(page, 'NAME   AGE     WHY\na-1    10.6 s  lost\n')).toBe(true);
  expect(matchesWhole(page, 'NAME   AGE WHY\na-1    10.6 s  lost\n')).toBe(false);
  expect(matchesWhole(page, 'NAME   AGE     WHY\na-1    10.6 s  found\n')).toBe(false);
});

it('a page may show the start of an output that continues, but not as the whole of it', () => {
  expect(matchesStart(['bank A listens'], 'bank A listens\nand more\n')).toBe(true);
  expect(matchesWhole(['bank A listens'], 'bank A listens\nand more\n')).toBe(false);
});
