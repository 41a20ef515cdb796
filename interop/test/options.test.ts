import { expect, it } from 'vitest';
import { readOptions, USAGE } from '../src/options.ts';

it('runs every case against a Holdfast of its own unless told otherwise', () => {
  expect(readOptions(['go'])).toEqual({ suite: 'go', target: undefined, run: undefined });
});

it('takes a target, without its trailing slash, and a pattern', () => {
  expect(readOptions(['go', '--target', 'http://127.0.0.1:36789/', '--run', 'TestXa'])).toEqual({
    suite: 'go',
    target: 'http://127.0.0.1:36789',
    run: 'TestXa',
  });
});

it('explains itself when it does not know the suite', () => {
  for (const args of [[], ['rust'], ['go', 'twice']]) expect(readOptions(args)).toEqual({ text: USAGE, exitCode: 2 });
});

it('explains itself when it is asked to, which is no error', () => {
  expect(readOptions(['--help'])).toEqual({ text: USAGE, exitCode: 0 });
});

it('names an option it does not know', () => {
  expect(JSON.stringify(readOptions(['go', '--targt', 'x']))).toContain('--targt');
});
