import { expect, it } from 'vitest';
import { readOptions, USAGE } from '../src/options.ts';

it('by default runs every case of every language against a coordinator that it starts', () => {
  const suites = ['go', 'python', 'java', 'generated'];
  expect(readOptions([])).toEqual({
    suites,
    target: undefined,
    grpcTarget: undefined,
    run: undefined,
    writeDocs: false,
  });
});

it('runs one language', () => {
  expect(readOptions(['go'])).toEqual({
    suites: ['go'],
    target: undefined,
    grpcTarget: undefined,
    run: undefined,
    writeDocs: false,
  });
});

it('accepts a target, whose trailing slash is removed, and a pattern', () => {
  expect(readOptions(['go', '--target', 'http://127.0.0.1:36789/', '--run', 'TestXa'])).toEqual({
    suites: ['go'],
    target: 'http://127.0.0.1:36789',
    grpcTarget: undefined,
    run: 'TestXa',
    writeDocs: false,
  });
});

it('prints the usage for an unknown suite', () => {
  for (const args of [['rust'], ['go', 'twice']]) expect(readOptions(args)).toEqual({ text: USAGE, exitCode: 2 });
});

it('prints the usage for --help and exits with code 0', () => {
  expect(readOptions(['--help'])).toEqual({ text: USAGE, exitCode: 0 });
});

it('names an unknown option', () => {
  expect(JSON.stringify(readOptions(['go', '--targt', 'x']))).toContain('--targt');
});

it('writes the documentation only from a run of everything', () => {
  expect(readOptions(['--write-docs'])).toMatchObject({ writeDocs: true });
  for (const args of [['go'], ['--run', 'Saga'], ['--target', 'http://127.0.0.1:36789']])
    expect(readOptions(['--write-docs', ...args])).toMatchObject({ exitCode: 2 });
});
