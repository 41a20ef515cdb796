import { describe, expect, it } from 'vitest';
import { UsageError } from '../src/command-line.ts';
import { commandOf, readCommandLine, type RunOptions } from '../src/options.ts';

describe('the command line', () => {
  it('has a default for everything, and a random seed', () => {
    expect(readCommandLine([], 42)).toMatchObject({ kills: 10, seed: 42, keep: false, broken: undefined });
  });

  it.each([
    [],
    ['--secured'],
    ['--store', 'mysql', '--nodes', '2', '--pauses', '0', '--faults', '2', '--silence-ms', '3000'],
  ])('repeats a run with the command that the run printed: %s', (...more) => {
    const options = readCommandLine(
      ['--seconds', '5', '--kills', '3', '--seed', '9', '--rate', '20', '--clients', '4', ...more],
      42,
    );
    if (options === undefined) throw new Error('help was not asked for');
    const again = readCommandLine(commandOf(options).split(' ').slice(4), 43);
    expect(again).toEqual(options);
  });

  it('has coordinators to pause and a database to kill on a shared store only', () => {
    expect(readCommandLine(['--store', 'redis'], 42)).toMatchObject({
      store: 'redis',
      nodes: 3,
      pauses: 4,
      databaseKills: 2,
    });
    expect(commandOf(readCommandLine([], 42) as RunOptions)).not.toContain('--pauses');
  });

  it.each([
    ['--kills', '0'],
    ['--seconds', 'many'],
    ['--rate', '1.5'],
    ['--store', 'oracle'],
    ['--faults', '1'],
    ['--nonsense'],
  ])('rejects %s %s', (...args) => {
    expect(() => readCommandLine(args, 42)).toThrow(UsageError);
  });

  it('prints the help for --help', () => {
    expect(readCommandLine(['--help'], 42)).toBeUndefined();
  });
});
