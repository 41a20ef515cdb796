import { describe, expect, it } from 'vitest';
import { presentedBy } from '../../src/access/authorization.ts';

const basic = (account: string): string => `Basic ${Buffer.from(account).toString('base64')}`;

describe('Authorization', () => {
  it.each([
    ['Bearer hf_a_b', 'hf_a_b'],
    ['bearer   hf_a_b ', 'hf_a_b'],
    [basic('any:hf_a_b'), 'hf_a_b'],
    [basic('hf_a_b:'), 'hf_a_b'],
    [basic('hf_a_b'), 'hf_a_b'],
    [basic('hf_user:hf_password'), 'hf_password'],
  ])('%s presents a token', (authorization, text) => {
    expect(presentedBy(authorization)).toEqual({ kind: 'token', text });
  });

  it.each([
    ['', 'must be sent once'],
    ['hf_a_b', 'must be sent once'],
    ['Bearer', 'must be sent once'],
    ['Bearer a b', 'must be sent once'],
    ['Bearer a, Bearer b', 'must be sent once'],
    ['Bearer a,Bearer b', 'must be sent once'],
    ['Digest hf_a_b', 'must be sent once'],
    [basic('user:password'), 'without a token'],
    [basic(''), 'must be sent once'],
    [`Bearer ${'x'.repeat(9_000)}`, 'is too long'],
  ])('%s presents none', (authorization, fault) => {
    const presented = presentedBy(authorization);
    expect(presented).toMatchObject({ kind: 'malformed', fault: expect.stringContaining(fault) as string });
    expect(JSON.stringify(presented)).not.toContain('hf_');
  });
});
