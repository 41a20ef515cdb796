import { describe, expect, it } from 'vitest';
import fc from 'fast-check';
import { withoutAccounts } from '../src/accounts.ts';

/**
 * The rules as plain regular expressions, which examine up to a thousand characters from every
 * `://`.
 */
const PLAIN_RULES: readonly RegExp[] = [
  /\b((?:postgres(?:ql)?|mysql|mariadb|rediss?|redis\+unix|unix):\/\/)[^\s"'<>\\]{0,1000}@/gi,
  /\b([a-z][a-z0-9+.-]{0,20}:\/\/)[^\s"'<>\\/?#]{0,1000}@/gi,
  /\b([a-z][a-z0-9+.-]{0,20}:\/\/)[^\s"'<>\\/?#:@[\]]{1,200}:(?!\d{0,5}(?:[/?#\s"'\\]|$))[^\s"'<>\\]{0,1000}@/gi,
];
const plainly = (text: string): string => PLAIN_RULES.reduce((shown, rule) => shown.replace(rule, '$1***@'), text);

const PARTS = [
  ...['@', '@', '://', 'a://', 'a://a:a', ':', '/', '?', '#', '[', ']', ' ', '\n', '"', "'", '\\', '<'],
  ...['a', 'B', '7', '80', '65536', '.', '+', '-', '_', 'é', '\ud800', '***', 'a.b+c://', 'redis+unix://'],
  ...['postgres://', 'postgresql://', 'MYSQL://', 'rediss://', 'xunix://', 'unix://', 'http://h:80/', 'u:p@'],
  ...['http://u:p/q@h', 'b'.repeat(19), 'b'.repeat(22), 'c'.repeat(200), 'd'.repeat(201)],
  ...['e'.repeat(400), 'f'.repeat(599), 'g'.repeat(999), 'h'.repeat(1_000), 'i'.repeat(1_001)],
];

describe('accounts in the URLs of a text', () => {
  it('are found where the plain rules find them, in any text', () => {
    const text = fc
      .array(fc.oneof({ arbitrary: fc.constantFrom(...PARTS), weight: 9 }, fc.string({ maxLength: 3 })), {
        maxLength: 25,
      })
      .map((parts) => parts.join(''));
    fc.assert(
      fc.property(text, (any) => {
        expect(withoutAccounts(any)).toBe(plainly(any));
      }),
      { numRuns: 3_000 },
    );
  });

  it.each([998, 999, 1_000, 1_001])('with %i characters before the @', (length) => {
    for (const start of ['postgres://', 'http://', 'http://u:', 'http://u:/', 'http://u:x/'])
      for (const after of ['', '@', '/@', ' @', 'x@'])
        for (const more of ['', ' postgres://a@b', 'http://c:d/@']) {
          const text = `${start}${'z'.repeat(length)}@${after}${more}`;
          expect(withoutAccounts(text)).toBe(plainly(text));
        }
  });
});
