import { createPublicKey, verify } from 'node:crypto';
import { createRequire } from 'node:module';
import { CallSigner, parseSigningKeys } from '@holdfast/protocol/signing';
import { describe, expect, it } from 'vitest';
import { OTHER_SECRET, PUBLIC_PEM, SECRET, WHSK } from './keys.ts';

/** The part of the library that is used here. */
interface StandardWebhooks {
  readonly Webhook: new (secret: string) => {
    verify(payload: string, headers: Readonly<Record<string, string>>): unknown;
  };
}

const { Webhook } = createRequire(import.meta.url)('standardwebhooks') as StandardWebhooks;

const signer = new CallSigner(
  () => parseSigningKeys(`${OTHER_SECRET}\n${WHSK}\n${SECRET}`),
  'process',
  () => Date.now(),
);
const signed = (body: string, id = 'g1.01.action.1') =>
  signer.sign({ id, method: 'POST', target: '/debit', host: 'bank-a', body });

describe('the library standardwebhooks', () => {
  it.each([
    ['JSON', '{"amount":30}'],
    ['text beyond ASCII', '"Grüße 🎉"'],
    ['1 MB', JSON.stringify('x'.repeat(1024 * 1024))],
  ])('accepts a call with %s', (_, body) => {
    expect(new Webhook(SECRET).verify(body, { ...signed(body) })).toEqual(JSON.parse(body));
  });

  it('accepts a call without a body', () => {
    expect(() => new Webhook(SECRET).verify('', { ...signed('') })).not.toThrow();
  });

  it('accepts the ID of an odd gid', () => {
    expect(() => new Webhook(SECRET).verify('1', { ...signed('1', 'a%2Eb.01.action.1') })).not.toThrow();
  });

  it('rejects a changed body, and a call that was signed with another key', () => {
    expect(() => new Webhook(SECRET).verify('2', { ...signed('1') })).toThrow('No matching signature');
    const stranger = `whsec_${Buffer.alloc(32, 'x').toString('base64')}`;
    expect(() => new Webhook(stranger).verify('1', { ...signed('1') })).toThrow('No matching signature');
  });
});

describe('a signature v1a', () => {
  it('is ed25519 over the ID, the timestamp and the body, as the specification has it', () => {
    const fields = signed('{}');
    const [, base64 = ''] = /v1a,(\S+)/.exec(fields['webhook-signature']) ?? [];
    const content = Buffer.from(`${fields['webhook-id']}.${fields['webhook-timestamp']}.{}`);
    expect(verify(null, content, createPublicKey(PUBLIC_PEM), Buffer.from(base64, 'base64'))).toBe(true);
  });
});
