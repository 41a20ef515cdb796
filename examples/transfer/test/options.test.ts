import { describe, expect, it } from 'vitest';
import { readOptions, USAGE } from '../src/program/options.ts';

describe('the command line', () => {
  it('moves 30.00 in all patterns without any failure by default', () => {
    expect(readOptions([])).toEqual({
      patterns: ['saga', 'tcc', 'xa', 'message', 'workflow'],
      failures: ['none'],
      amount: 3_000,
      urls: { postgres: undefined, mariadb: undefined },
      withoutBarrier: false,
    });
  });

  it('accepts patterns, a failure, an amount and databases', () => {
    const urls = ['--postgres', 'postgresql://me@db/x', '--mariadb', 'mariadb://me@db/y'];
    expect(readOptions(['xa', 'saga', '--fail', 'all', '--amount', '12.34', '--without-barrier', ...urls])).toEqual({
      patterns: ['saga', 'xa'],
      failures: ['none', 'rejected', 'lost-response', 'down', 'late'],
      amount: 1_234,
      urls: { postgres: 'postgres://me@db/x', mariadb: 'mysql://me@db/y' },
      withoutBarrier: true,
    });
  });

  it('prints a usage text for --help', () => {
    expect(readOptions(['--help'])).toEqual({ text: USAGE, exitCode: 0 });
    for (const name of [
      'saga',
      'workflow',
      'lost-response',
      '--amount',
      '--without-barrier',
      '--postgres',
      '--mariadb',
    ])
      expect(USAGE).toContain(name);
  });

  it.each([
    [['sago'], '"sago" is not a pattern; there are saga'],
    [['--fail', 'fire'], '"fire" is not a failure; there are none'],
    [['--amount', '0'], 'not "0"'],
    [['--amount', '1e3'], 'not "1e3"'],
    [['--amount', '1.234'], 'not "1.234"'],
    [['--amount', '1000001'], 'up to 1000000'],
    [['--postgres', 'mysql://me@db/x'], '--postgres takes a URL such as postgres://'],
    [['--mariadb', 'here'], '--mariadb takes a URL such as mysql://'],
    [['--fast'], '--fast'],
  ])('reports what is wrong with %j, and points to --help', (args, words) => {
    const advice = readOptions(args);
    expect(advice).toMatchObject({ exitCode: 2, text: expect.stringContaining(words) as string });
    expect(advice).toMatchObject({ text: expect.stringContaining('--help') as string });
  });

  it('does not repeat a password', () => {
    expect(JSON.stringify(readOptions(['--postgres', 'mysql://me:secret@db/x']))).not.toContain('secret');
  });
});
