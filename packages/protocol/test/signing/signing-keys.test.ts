import { generateKeyPairSync } from 'node:crypto';
import { inspect } from 'node:util';
import { CallSigner, CallVerifier, parseSigningKeys, SigningKeyError } from '@holdfast/protocol/signing';
import { describe, expect, it } from 'vitest';
import { LONG_WHSK, OTHER_SECRET, PRIVATE_PEM, PUBLIC_PEM, SECRET, WHPK, WHSK } from './keys.ts';

const CLOCK = { wallMs: () => 0, monotonicMs: () => 0 };

const versions = (text: string) => parseSigningKeys(text).map(({ version }) => version);

/** The message of the error that a text of keys causes. */
function faultOf(text: string): string {
  try {
    parseSigningKeys(text);
  } catch (error) {
    if (error instanceof SigningKeyError) return error.message;
    throw error;
  }
  return '';
}

describe('a file of signing keys', () => {
  it('has secrets, private keys and PEM blocks, whose order is kept', () => {
    const text = `# the new key\n${SECRET}\n\n${PRIVATE_PEM}\r\n${WHSK}\n${OTHER_SECRET}\n${LONG_WHSK}`;
    expect(versions(text)).toEqual(['v1', 'v1a', 'v1a', 'v1', 'v1a']);
  });

  it('gives the same ed25519 key from PEM, from the seed, and from the seed with the public key', () => {
    for (const text of [PRIVATE_PEM, WHSK, LONG_WHSK])
      expect(parseSigningKeys(text).map(({ publicKey }) => publicKey)).toEqual([WHPK]);
  });

  it.each([
    ['', 'has no key'],
    ['# nothing', 'has no key'],
    ['MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw', 'line 1 is not a key'],
    [`${SECRET}\nwhsec_$$$`, 'line 2 is not base64'],
    [`whsec_${Buffer.alloc(23).toString('base64')}`, 'line 1 has a secret of 23 bytes; it must have 24 to 64'],
    [`whsec_${Buffer.alloc(65).toString('base64')}`, 'line 1 has a secret of 65 bytes'],
    [`${PRIVATE_PEM}whsk_${Buffer.alloc(31).toString('base64')}`, 'line 4 has a key of 31 bytes'],
    [`whsk_${Buffer.alloc(64).toString('base64')}`, 'do not belong together'],
    [WHPK, 'line 1 is a public key'],
    [PUBLIC_PEM, 'is not a private key'],
    ['-----BEGIN PRIVATE KEY-----\nMC4C\n-----END PRIVATE KEY-----', 'is not a private key'],
    [`${SECRET}\n`.repeat(9), 'has more than 8 keys'],
  ])('is rejected with one clear line: %#', (text, message) => {
    expect(faultOf(text)).toContain(message);
    expect(faultOf(text)).not.toContain('\n');
  });

  it('must not have a key of another algorithm, or an encrypted one', () => {
    const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;
    expect(faultOf(String(rsa.export({ format: 'pem', type: 'pkcs8' })))).toContain('of type rsa; it must be ed25519');
    const { privateKey } = generateKeyPairSync('ed25519');
    const encrypted = privateKey.export({ format: 'pem', type: 'pkcs8', cipher: 'aes-256-cbc', passphrase: 'x' });
    expect(faultOf(String(encrypted))).toContain('encrypted');
  });

  it('appears in no error, however it is malformed', () => {
    const secret = SECRET.slice('whsec_'.length, -4);
    for (const text of [secret, `whsec_${secret}$`, `whsk_${secret}`, `${SECRET} ${secret}`])
      expect(faultOf(text)).not.toContain(secret.slice(0, 8));
  });
});

describe('a signing key', () => {
  it('shows nothing of itself when it is logged, but its public key', () => {
    const keys = parseSigningKeys(`${SECRET}\n${PRIVATE_PEM}`);
    const signer = new CallSigner(
      () => keys,
      'p',
      () => 0,
    );
    const shown = inspect([signer, keys], { depth: 9, showHidden: true }) + JSON.stringify([signer, keys]);
    expect(shown).toContain(WHPK);
    for (const text of [SECRET, WHSK]) expect(shown).not.toContain(text.slice(6, 20));
    expect(signer.publicKeys).toEqual([WHPK]);
  });
});

describe('the keys of a participant', () => {
  it.each([SECRET, WHPK, PUBLIC_PEM])('may be a secret or a public key: %#', (key) => {
    expect(() => new CallVerifier({ keys: [key] }, CLOCK)).not.toThrow();
  });

  it.each([
    [[], 'at least one key'],
    [[WHSK], 'keys[0] is a private key'],
    [[SECRET, PRIVATE_PEM], 'keys[1] is a private key'],
    [['secret'], 'keys[0] is not a key'],
    [[`whpk_${Buffer.alloc(31).toString('base64')}`], 'keys[0] has a key of 31 bytes'],
  ])('are a TypeError at set-up that names the wrong one: %#', (keys, message) => {
    const act = () => new CallVerifier({ keys }, CLOCK);
    expect(act).toThrow(TypeError);
    expect(act).toThrow(message);
  });
});
