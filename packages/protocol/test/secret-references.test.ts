import { describe, expect, it } from 'vitest';
import { secretReferenceIn, spellingFaultOf } from '../src/secret-references.ts';

describe('a value of a branch header', () => {
  it.each(['secret:bank', 'Bearer secret:bank', 'Bearer secret:', 'Bearer secret:../x', "it's secret:bank"])(
    'is a reference, or one with a bad name: %j',
    (value) => {
      expect(secretReferenceIn(value)).toBeDefined();
      expect(spellingFaultOf(value)).toBeUndefined();
    },
  );

  it.each([
    'Bearer  secret:bank',
    'Bearer\tsecret:bank',
    ' secret:bank',
    '\u00a0secret:bank',
    'SECRET:bank',
    'Secret:bank',
    'Bearer Secret:bank',
    'secret : bank',
    'Bearer secret\t:bank',
    '"secret:bank"',
    "Bearer 'secret:bank'",
    '`secret:bank`',
    '${secret:bank}',
    '{{secret:bank}}',
    'Bearer ${secret:bank}',
    'Bearer: secret:bank',
    'token=secret:bank',
    'session="secret:bank"',
    'Bearer\r\nsecret:bank',
  ])('is nearly a reference, which must not be sent: %j', (value) => {
    expect(secretReferenceIn(value)).toBeUndefined();
    expect(spellingFaultOf(value)).toContain('must be secret:NAME, in lower case');
  });

  it.each([
    '',
    'secret',
    'secrets:bank',
    'Bearer secret',
    'Bearer secretary:7',
    'client-secret:abcdef',
    'client_secret:abcdef',
    'app/secret:abcdef',
    'user:secret:abcdef',
    'it is a secret:bank',
    'Digest realm="x", secret:bank',
    `${'x'.repeat(90)}="secret:bank"`,
  ])('is sent as it is: %j', (value) => {
    expect([secretReferenceIn(value), spellingFaultOf(value)]).toEqual([undefined, undefined]);
  });
});
