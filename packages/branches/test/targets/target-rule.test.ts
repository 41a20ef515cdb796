import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { normalHost } from '../../src/targets/host.ts';
import { RuleSet } from '../../src/targets/rule-set.ts';
import {
  parseTargetRule,
  type TargetEndpoint,
  TargetRuleError,
  type TargetScheme,
} from '../../src/targets/target-rule.ts';
import { parseTargetRules } from '../../src/targets/target-rules.ts';

/** The target of a URL without its path. */
function endpoint(url: string): TargetEndpoint {
  const [, scheme = '', host = '', port = ''] = /^(\w+):\/\/(.*):(\d+)$/.exec(url) ?? [];
  return { scheme: scheme as TargetScheme, host: normalHost(host) ?? host, port: Number(port) };
}

const rulesOf = (...texts: string[]): RuleSet => new RuleSet(texts.map(parseTargetRule), 'public');

/** At submission for a URL alone; when a connection is opened for `URL at ADDRESS`. */
function verdict(rules: RuleSet, target: string): string {
  const [url = '', address] = target.split(' at ');
  const fault = address === undefined ? rules.faultOf(endpoint(url)) : rules.faultOfAddress(endpoint(url), address);
  return fault === undefined ? 'allowed' : 'forbidden';
}

const CASES: readonly (readonly [string, readonly string[], Readonly<Record<string, 'allowed' | 'forbidden'>>])[] = [
  [
    'a name',
    ['https://pay.shop.example:443'],
    {
      'https://pay.shop.example:443': 'allowed',
      'https://PAY.shop.EXAMPLE:443': 'allowed',
      'https://pay.shop.example.:443': 'allowed',
      'https://pay.shop.example:8443': 'forbidden',
      'http://pay.shop.example:443': 'forbidden',
      'https://shop.example:443': 'forbidden',
      'https://a.pay.shop.example:443': 'forbidden',
      'https://pay.shop.example.evil.example:443': 'forbidden',
      'https://pay.shop.example:443 at 93.184.216.34': 'allowed',
      'https://pay.shop.example:443 at 127.0.0.1': 'forbidden',
      'https://pay.shop.example:443 at 169.254.169.254': 'forbidden',
      'https://93.184.216.34:443': 'forbidden',
    },
  ],
  [
    'names below a name',
    ['*.shop.example'],
    {
      'https://pay.shop.example:443': 'allowed',
      'grpc://a.b.shop.example:9000': 'allowed',
      'https://shop.example:443': 'forbidden',
      'https://evilshop.example:443': 'forbidden',
    },
  ],
  [
    'all hosts',
    ['*'],
    {
      'http://anything.example:80': 'allowed',
      'http://93.184.216.34:80': 'allowed',
      'http://[2606:4700::1111]:80': 'allowed',
      'http://127.0.0.1:80': 'forbidden',
      'http://10.0.0.1:80': 'forbidden',
      'http://anything.example:80 at ::1': 'forbidden',
    },
  ],
  [
    'a range',
    ['grpc://10.0.0.0/8:9000-9100'],
    {
      'grpc://10.1.2.3:9000': 'allowed',
      'grpc://10.1.2.3:9100': 'allowed',
      'grpc://10.1.2.3:9101': 'forbidden',
      'http://10.1.2.3:9000': 'forbidden',
      'grpc://11.1.2.3:9000': 'forbidden',
      'grpc://stock:9000': 'allowed',
      'grpc://stock:9000 at 10.1.2.3': 'allowed',
      'grpc://stock:9000 at 93.184.216.34': 'forbidden',
      'grpc://[::ffff:10.1.2.3]:9000': 'allowed',
      'grpc://stock:80': 'forbidden',
    },
  ],
  [
    'names at the addresses of a range',
    ['http://*.svc.cluster.local in 10.96.0.0/12 fd00::/8'],
    {
      'http://stock.shop.svc.cluster.local:80 at 10.100.0.1': 'allowed',
      'http://stock.shop.svc.cluster.local:80 at fd00::5': 'allowed',
      'http://stock.shop.svc.cluster.local:80 at 10.0.0.1': 'forbidden',
      'http://stock.shop.svc.cluster.local:80 at 93.184.216.34': 'forbidden',
      'http://evil.example:80 at 10.100.0.1': 'forbidden',
      'http://10.100.0.1:80': 'forbidden',
    },
  ],
  [
    'an IPv6 address with a port',
    ['[fd00::5]:443', '[fd01::/16]:80'],
    {
      'https://[fd00::5]:443': 'allowed',
      'https://[fd00::6]:443': 'forbidden',
      'http://[fd01::9]:80': 'allowed',
      'http://[fd01::9]:81': 'forbidden',
    },
  ],
  [
    'a range wider than a special one',
    ['0.0.0.0/0', '::/0', '169.254.0.0/16', 'fc00::/7'],
    {
      'http://93.184.216.34:80': 'allowed',
      'http://[2606:4700::1]:80': 'allowed',
      'http://10.0.0.1:80': 'forbidden',
      'http://127.0.0.1:80': 'forbidden',
      'http://169.254.7.7:80': 'allowed',
      'http://169.254.169.254:80': 'forbidden',
      'http://[fd12::1]:80': 'allowed',
      'http://[fd00:ec2::254]:80': 'forbidden',
      'http://[64:ff9b::a00:1]:80': 'forbidden',
    },
  ],
  [
    'a rule that denies',
    ['*', '10.0.0.0/8', 'deny *.evil.example', 'deny 10.9.0.0/16', 'deny *:22', 'deny 8.8.8.0/24'],
    {
      'http://a.evil.example:80': 'forbidden',
      'http://evil.example:80': 'allowed',
      'http://10.1.0.1:80': 'allowed',
      'http://10.9.0.1:80': 'forbidden',
      'http://good.example:22': 'forbidden',
      'http://good.example:80 at 10.9.0.1': 'forbidden',
      'http://good.example:80 at 10.8.0.1': 'allowed',
      'http://[64:ff9b::808:808]:80': 'forbidden',
    },
  ],
  [
    'only rules that deny',
    ['deny *.evil.example'],
    {
      'http://a.evil.example:80': 'forbidden',
      'http://good.example:80': 'allowed',
      'http://good.example:80 at 10.0.0.1': 'forbidden',
      'http://93.184.216.34:80': 'allowed',
    },
  ],
  [
    'an international name',
    ['*.Bücher.example'],
    {
      'http://a.xn--bcher-kva.example:80': 'allowed',
      'http://a.BÜCHER.example:80': 'allowed',
      'http://a.bucher.example:80': 'forbidden',
    },
  ],
];

describe.each(CASES)('%s', (_, texts, expected) => {
  it.each(Object.entries(expected))(`${texts.join(', ')}: %s is %s`, (target, outcome) => {
    expect(verdict(rulesOf(...texts), target)).toBe(outcome);
  });
});

describe('the fault', () => {
  const fault = (url: string, ...rules: string[]) => rulesOf(...rules).faultOf(endpoint(url));

  it('names the rule that denies', () => {
    expect(fault('http://a.evil.example:80', '*', 'deny *.evil.example')).toBe(
      'the rule "deny *.evil.example" of branchTargets denies it',
    );
  });

  it('names the range of the address', () => {
    expect(fault('http://127.0.0.1:80')).toBe(
      '127.0.0.1 is in 127.0.0.0/8 (loopback), which no rule of branchTargets allows',
    );
    expect(fault('http://[64:ff9b::a9fe:a9fe]:80', '*')).toBe(
      '64:ff9b:0:0:0:0:a9fe:a9fe is in 64:ff9b::/96 (NAT64 of 169.254.169.254, cloud metadata), which no rule of branchTargets allows',
    );
  });

  it('names the target that no rule allows', () => {
    expect(fault('https://other.example:443', '*.shop.example')).toBe(
      'no rule of branchTargets allows https://other.example:443',
    );
  });

  it('names the address that a name has', () => {
    const rules = rulesOf('*.shop.example');
    expect(rules.faultOfAddress(endpoint('http://pay.shop.example:80'), '10.0.0.7')).toBe(
      'pay.shop.example is at 10.0.0.7: 10.0.0.7 is in 10.0.0.0/8 (private), which no rule of branchTargets allows',
    );
  });
});

describe('the address of this coordinator', () => {
  const own = (...texts: string[]) => new RuleSet(texts.map(parseTargetRule), 'public', (_, port) => port === 36_789);

  it('needs a rule that names its port', () => {
    const target = 'http://127.0.0.1:36789';
    expect(verdict(own('127.0.0.0/8'), target)).toBe('forbidden');
    expect(verdict(own('127.0.0.0/8:36000-37000'), target)).toBe('forbidden');
    expect(verdict(own('127.0.0.0/8:36789'), target)).toBe('allowed');
    expect(verdict(own('127.0.0.0/8'), 'http://127.0.0.1:80')).toBe('allowed');
  });
});

describe('a rule that is not valid', () => {
  it.each([
    ['', 'names no target'],
    ['deny', 'names no target'],
    ['ftp://a.example', 'has the scheme "ftp"; it must be http, https, grpc, grpcs or *'],
    ['https://a.example/path', 'contains more than a host and ports'],
    ['10.0.0.300/8', 'has the range "10.0.0.300/8"'],
    ['https://user@a.example', 'contains more than a host and ports'],
    ['a.example:0', 'has the ports "0"'],
    ['a.example:80-79', 'has the ports "80-79"'],
    ['a.example:65536', 'has the ports "65536"'],
    ['a.*.example', 'has the host "a.*.example"'],
    ['*.', 'has the host "*."'],
    ['127.1', 'has the host "127.1"'],
    ['10.1.0.0/8', 'has the range "10.1.0.0/8"; write ADDRESS/BITS, with zeros after the bits'],
    ['10.0.0.0/8 in 10.0.0.0/8', 'has a range both as its host and after in'],
    ['a.example in', 'is malformed'],
    ['a.example at 10.0.0.0/8', 'is malformed'],
    ['a.example in b.example', 'has the range "b.example"'],
    ['x'.repeat(600), 'has 600 characters; at most 512 are allowed'],
  ])('%j is rejected with its fault', (text, fault) => {
    expect(() => parseTargetRule(text)).toThrow(TargetRuleError);
    expect(() => parseTargetRule(text)).toThrow(fault);
  });

  it('is rejected among the rules of a namespace, as an empty list is', () => {
    expect(() => parseTargetRules({ namespaces: { bank: ['ftp://a'] } })).toThrow('the rule "ftp://a"');
    expect(() => parseTargetRules({ namespaces: { bank: [] } })).toThrow('namespace "bank" has no rules');
    expect(() => parseTargetRules({ rules: Array<string>(1_001).fill('*') })).toThrow('at most 1000');
  });
});

describe('any text', () => {
  const text = fc.oneof(
    fc.string({ maxLength: 200, unit: 'binary' }),
    fc.stringMatching(/^(deny )?[a-z*:/.[\]0-9-]{0,40}( in [0-9./: ]{0,20})?$/),
  );

  it('is a rule, or an error of the parser', () => {
    fc.assert(
      fc.property(text, (given) => {
        try {
          const { text: kept } = parseTargetRule(given);
          expect(kept).toBe(given.trim());
        } catch (error) {
          expect(error).toBeInstanceOf(TargetRuleError);
        }
      }),
      { numRuns: 2_000 },
    );
  });

  it('is a host, or none; a host stays the same when it is read again', () => {
    fc.assert(
      fc.property(text, (given) => {
        const host = normalHost(given);
        if (host !== undefined) expect(normalHost(host)).toBe(host);
      }),
      { numRuns: 2_000 },
    );
  });

  it.each(['a', ':', '[', '%', '.', '*.', '/', 'deny ', '1.', '::', ' in ', '\u{ff10}', '-', '@'])(
    'of 64 KiB made of %j takes no time',
    (unit) => {
      const long = unit.repeat(Math.ceil(65_536 / unit.length));
      const tookMs = [1, 2, 3].map(() => {
        const startedMs = performance.now();
        expect(() => parseTargetRule(long)).toThrow(TargetRuleError);
        expect(normalHost(long)).toBeUndefined();
        return performance.now() - startedMs;
      });
      expect(Math.min(...tookMs)).toBeLessThan(10);
    },
  );
});
