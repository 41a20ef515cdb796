import { MAX_REASON_LENGTH } from '@holdfast/protocol';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { withoutSecretsOf } from '../../src/http/echoed-secrets.ts';

type Arguments = Parameters<typeof withoutSecretsOf>;

/** What a reason becomes after a call with these headers. */
function shown(headers: Readonly<Record<string, string>>, reason: string): string {
  const request = { headers } as Arguments[0];
  const target = { authorization: '' } as Arguments[1];
  return withoutSecretsOf(request, target, { kind: 'FAILURE', reason }).reason;
}

describe('a secret that a participant echoes', () => {
  it('is looked up once for all calls of a transaction', () => {
    let reads = 0;
    const headers = new Proxy(
      { 'x-api-token': '%'.repeat(8_100) },
      { ownKeys: (target) => (reads++, Reflect.ownKeys(target)) },
    );
    for (let call = 0; call < 50; call++) expect(shown(headers, `no ${call}…`)).toBe(`no ${call}…`);
    expect(reads).toBe(1);
  });

  const token = String.raw`ab"cd\efgh/<1234`;
  const once = JSON.stringify(token);
  it.each([
    ['as it is', token],
    ['within JSON', once],
    ['within JSON within JSON', JSON.stringify(once)],
    ['within JSON that escapes slashes', once.replaceAll('/', String.raw`\/`)],
    ['within JSON that escapes what HTML would', once.replaceAll('<', String.raw`\u003c`)],
    ['after its beginning was hidden', `***${once.slice(3)}`],
  ])('is hidden: %s', (_, echoed) => {
    const hidden = shown({ 'x-api-token': token }, `echo ${echoed} end`);
    expect(hidden).toMatch(/^echo .*\*\*\*.* end$/);
    expect(hidden).not.toMatch(/efgh|1234/);
  });

  it('is hidden where the reason was cut within it, however long it is', () => {
    for (const length of [10, 900, 5_000, 8_100])
      for (const kept of [4, 9, 800].filter((part) => part < length)) {
        const secret = `${'z'.repeat(length - 1)}y`;
        const reason = `echo ${secret.slice(0, kept)}…`;
        expect(reason.length).toBeLessThanOrEqual(MAX_REASON_LENGTH);
        expect(shown({ 'x-api-token': secret }, reason)).toBe('echo ***…');
      }
    expect(shown({ 'x-api-token': 'zzzzzy' }, 'echo zzz…')).toBe('echo zzz…');
  });

  it('is hidden from its longest beginning on that the cut reason ends with', () => {
    const letters = (minLength: number, maxLength: number) =>
      fc.string({ unit: fc.constantFrom('a', 'b'), minLength, maxLength });
    fc.assert(
      fc.property(letters(4, 12), letters(0, 20), (secret, text) => {
        const whole = text.replaceAll(secret, '***');
        let kept = Math.min(secret.length - 1, whole.length);
        while (kept >= 4 && !whole.endsWith(secret.slice(0, kept))) kept--;
        const expected = kept >= 4 ? `${whole.slice(0, -kept)}***…` : `${whole}…`;
        expect(shown({ 'x-api-token': secret }, `${text}…`)).toBe(expected);
      }),
      { numRuns: 2_000 },
    );
  });
});
