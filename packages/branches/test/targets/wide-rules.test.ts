import { describe, expect, it } from 'vitest';
import { TargetRuleError, wideRulesOf } from '../../src/index.ts';

const concernOf = (rule: string): string | undefined => wideRulesOf({ rules: [rule] }).concerns[0]?.concern;

describe('rules that allow more than participants usually need', () => {
  it.each([
    ['*', 'allows every public host'],
    ['https://*', 'allows every public host'],
    ['https://*.com:443', 'allows every host below com'],
    ['shop.example', 'allows calls to public addresses without TLS'],
    ['http://shop.example:80', 'allows calls to public addresses without TLS'],
    ['0.0.0.0/0', 'allows every public address'],
    ['::/0', 'allows every public address'],
    ['10.0.0.0/8', 'allows every port of its addresses'],
    ['http://*.svc.cluster.local in 10.96.0.0/12', 'allows every port of its addresses'],
    ['127.0.0.1', 'allows every port of the machine of the coordinator'],
    ['[::1]', 'allows every port of the machine of the coordinator'],
    ['169.254.0.0/16', 'allows link-local addresses'],
    ['http://169.254.169.254:80', 'allows the metadata service of a cloud, which serves credentials'],
    [
      'http://metadata.internal:80 in fd00:ec2::254',
      'allows the metadata service of a cloud, which serves credentials',
    ],
  ])('%s %s', (rule, concern) => {
    expect(concernOf(rule)).toBe(concern);
  });

  it.each([
    'https://shop.example',
    'grpcs://*.shop.example:443',
    '10.0.0.0/8:9000-9100',
    'http://*.svc.cluster.local:80 in 10.96.0.0/12',
    '127.0.0.1:8080',
    '10.1.2.3',
    'deny *',
    'deny 169.254.169.254',
  ])('does not mention %s', (rule) => {
    expect(concernOf(rule)).toBeUndefined();
  });

  it('examines the rules of namespaces too, and rejects what is not a rule', () => {
    const { rules, concerns } = wideRulesOf({
      rules: ['https://a.example'],
      namespaces: { shop: ['*', 'deny b.example'] },
    });
    expect([rules, concerns]).toEqual([3, [{ rule: '*', concern: 'allows every public host', isSevere: false }]]);
    expect(wideRulesOf({ rules: ['169.254.169.254:80'] }).concerns[0]?.isSevere).toBe(true);
    expect(() => wideRulesOf({ rules: ['ftp://x'] })).toThrow(TargetRuleError);
  });
});
