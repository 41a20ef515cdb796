import { describe, expect, it } from 'vitest';
import { chaosCommandOf, readChaosCommandLine } from '../../src/chaos/chaos-options.ts';
import { UsageError } from '../../src/command-line.ts';

describe('the command line of participant-chaos', () => {
  it('has a default for each option, and repeats a run', () => {
    const options = readChaosCommandLine(['--isolation', 'repeatable-read', '--seconds', '5'], 42);
    expect(options).toMatchObject({ database: 'postgres', isolation: 'repeatable read', seconds: 5, seed: 42 });
    if (options === undefined) throw new Error('there are options');
    const [, ...args] = chaosCommandOf(options).split(' -- ');
    expect(readChaosCommandLine(args.join(' ').split(' '), 1)).toEqual(options);
  });

  it.each([
    [['--database', 'oracle'], '--database must be postgres or mysql or redis, not oracle'],
    [
      ['--isolation', 'snapshot'],
      '--isolation of postgres must be read-committed or repeatable-read or serializable, not snapshot',
    ],
    [['--database', 'mysql', '--isolation', 'serializable'], '--isolation of mysql must be'],
    [['--seconds', '0'], '--seconds must be a whole number from 1, not 0'],
    [['--speed', '1'], '--speed'],
  ])('rejects %j', (args, message) => {
    expect(() => readChaosCommandLine(args, 1)).toThrow(UsageError);
    expect(() => readChaosCommandLine(args, 1)).toThrow(message);
  });

  it('runs an SDK that is broken on purpose where it is convicted, and waits for no kind of fault', () => {
    expect(readChaosCommandLine(['--broken', 'redis-repeats'], 1)).toMatchObject({
      database: 'redis',
      untilAllFaults: false,
    });
    expect(readChaosCommandLine(['--broken', 'repeats', '--database', 'mysql'], 1)).toMatchObject({
      database: 'mysql',
    });
    expect(readChaosCommandLine([], 1)).toMatchObject({ untilAllFaults: true });
  });

  it('rejects a broken SDK that does not exist, and a database for all of them', () => {
    expect(() => readChaosCommandLine(['--broken', 'nothing'], 1)).toThrow('--broken nothing');
    expect(() => readChaosCommandLine(['--broken', 'all', '--database', 'mysql'], 1)).toThrow('--broken all');
  });

  it('shows the help', () => expect(readChaosCommandLine(['--help'], 1)).toBeUndefined());
});
