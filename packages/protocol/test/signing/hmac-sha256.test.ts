import { createHmac } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { HmacSha256 } from '../../src/signing/hmac-sha256.ts';

const secrets = fc.uint8Array({ minLength: 1, maxLength: 64 });
const bodies = fc.oneof(fc.string({ unit: 'binary' }), fc.uint8Array({ maxLength: 300 }));

describe('HMAC-SHA256', () => {
  it('is the one of the library, for any secret, prefix and body', () => {
    fc.assert(
      fc.property(secrets, fc.string({ unit: 'binary' }), bodies, (secret, prefix, body) => {
        const expected = createHmac('sha256', secret).update(prefix).update(body).digest('base64');
        expect(new HmacSha256(secret).sign(prefix, body)).toBe(`v1,${expected}`);
      }),
    );
  });

  it('is the same whatever one instance has signed before, short or long', () => {
    const secret = Buffer.alloc(32, 7);
    const hmac = new HmacSha256(secret);
    const lengths = [3_000, 0, 640, 2_048, 2_049, 2_047, 682, 683, 5, 100_000, 1];
    const texts = lengths.map((length) => 'é'.repeat(length));
    for (const body of [...texts, ...texts.map((text) => Buffer.from(text, 'latin1'))]) {
      const expected = createHmac('sha256', secret).update('a.').update(body).digest('base64');
      expect(hmac.sign('a.', body)).toBe(`v1,${expected}`);
    }
  });

  it('does not accept a secret that would have to be hashed first', () => {
    expect(() => new HmacSha256(new Uint8Array(65))).toThrow(RangeError);
  });

  it('shows nothing of its secret when it is printed', () => {
    expect(Object.keys(new HmacSha256(new Uint8Array(32)))).toEqual([]);
  });
});
