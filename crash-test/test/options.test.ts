import { describe, expect, it } from 'vitest';
import { commandOf, readCommandLine, UsageError } from '../src/options.ts';

describe('the command line', () => {
  it('has a default for everything, and a random seed', () => {
    expect(readCommandLine([], 42)).toMatchObject({ kills: 10, seed: 42, keep: false, broken: undefined });
  });

  it('repeats a run with the command that the run printed', () => {
    const options = readCommandLine(
      ['--seconds', '5', '--kills', '3', '--seed', '9', '--rate', '20', '--clients', '4'],
      42,
    );
    if (options === undefined) throw new Error('help was not asked for');
    const again = readCommandLine(commandOf(options).split(' ').slice(4), 43);
    expect(again).toEqual(options);
  });

  it.each([['--kills', '0'], ['--seconds', 'many'], ['--rate', '1.5'], ['--nonsense']])('refuses %s %s', (...args) => {
    expect(() => readCommandLine(args, 42)).toThrow(UsageError);
  });

  it('shows the help when asked', () => {
    expect(readCommandLine(['--help'], 42)).toBeUndefined();
  });
});
