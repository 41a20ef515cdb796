import { describe, expect, it, onTestFinished } from 'vitest';
import { connect } from '../../src/index.ts';
import { signerOfTexts } from '../../src/api/signer-of-texts.ts';
import { OTHER_SECRET, PRIVATE_PEM, SECRET } from './keys.ts';

const CALL = { id: 'g.1.op.1', method: 'GET', target: '/', host: 'h', body: '' };

describe('the signing keys of an application', () => {
  it('are replaced without a restart, and stay in use, with one warning, while the new ones are malformed', async () => {
    const warnings: string[] = [];
    const note = (warning: Error): void => void (warning.message.includes('keys: ') && warnings.push(warning.message));
    process.on('warning', note);
    onTestFinished(() => void process.off('warning', note));
    let keys: readonly string[] = [SECRET];
    const signer = signerOfTexts(() => keys, 'keys');
    const versions = (): string => {
      const { 'webhook-signature': signatures } = signer.sign(CALL);
      return signatures.replaceAll(/,\S+/g, '');
    };
    expect(versions()).toBe('v1');
    keys = [SECRET, PRIVATE_PEM];
    expect(versions()).toBe('v1 v1a');
    keys = [`${OTHER_SECRET}!`];
    expect([versions(), versions()]).toEqual(['v1 v1a', 'v1 v1a']);
    await new Promise(setImmediate);
    expect(warnings).toEqual(['keys: keys[0] line 1 is not base64 after its prefix; the previous keys stay in use']);
  });

  it.each([
    [[], 'must have at least one key'],
    [['nonsense'], 'signingKeys[0] line 1 is not a key'],
    [[SECRET, 7], 'signingKeys[1] must be a text'],
  ])('are a TypeError of connect() that names the wrong one: %#', (signingKeys, message) => {
    const act = () => connect('http://127.0.0.1:1', { signingKeys: signingKeys as string[] });
    expect(act).toThrow(TypeError);
    expect(act).toThrow(message);
  });
});
