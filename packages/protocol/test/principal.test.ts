import { describe, expect, it } from 'vitest';
import { ANONYMOUS, HoldfastError, isAnonymous, principalFault, principalOf } from '../src/index.ts';

describe('the ID of a principal', () => {
  it.each(['alice', 'spiffe://example.org/ns/shop', 'Ärger & Söhne', 'x'.repeat(128), 'é'.repeat(64)])(
    'may be %s',
    (id) => {
      expect(principalOf(id, ['operator'])).toEqual({ id, roles: ['operator'] });
    },
  );

  it.each([
    ['empty', ''],
    ['longer than 128 bytes', 'x'.repeat(129)],
    ['longer than 128 bytes of UTF-8', 'é'.repeat(65)],
    ['of two lines', 'alice\naborted by bob'],
    ['an escape sequence', '\u001b[2Jalice'],
    ['written from right to left', 'alice\u202ebob'],
    ['a line separator', 'alice\u2028bob'],
    ['half a surrogate pair', 'alice\ud800'],
    ['a NUL', 'a\0'],
  ])('is rejected if it is %s', (_, id) => {
    expect(principalFault(id)).toMatch(/^must /);
    expect(() => principalOf(id, [])).toThrow(HoldfastError);
    expect(() => principalOf(id, [])).toThrow(expect.objectContaining({ code: 'invalid', field: ['principal'] }));
  });

  it('of an unauthenticated caller is reserved', () => {
    expect(isAnonymous(ANONYMOUS)).toBe(true);
    expect(isAnonymous(principalOf('alice', []))).toBe(false);
    expect(ANONYMOUS.roles).toEqual([]);
  });
});
