import fc from 'fast-check';
import { expect, it } from 'vitest';
import { contains, isWithin, parseAddress } from '../../src/targets/ip-address.ts';
import { RuleSet } from '../../src/targets/rule-set.ts';
import { SPECIAL_RANGES } from '../../src/targets/special-ranges.ts';
import { parseTargetRule, type TargetEndpoint, type TargetRule } from '../../src/targets/target-rule.ts';

const HOSTS = [
  'a.example',
  'b.a.example',
  'c.b.a.example',
  'example',
  'xa.example',
  '10.1.2.3',
  '8.8.8.8',
  '127.0.0.1',
];
const ADDRESSES = ['10.1.2.3', '10.9.0.1', '8.8.8.8', '127.0.0.1', 'fd00::1', '2606:4700::1', '169.254.169.254'];
const PLACES = [
  '*',
  'a.example',
  '*.a.example',
  '*.example',
  '10.0.0.0/8',
  '10.1.0.0/16',
  '8.8.8.8',
  '0.0.0.0/0',
  '127.0.0.1',
  '169.254.169.254',
  '169.254.0.0/16',
];
const RANGES = ['', ' in 10.0.0.0/8', ' in 127.0.0.0/8 fd00::/8', ' in 0.0.0.0/0 ::/0'];

const rule = fc
  .record({
    verb: fc.constantFrom('', '', 'deny '),
    scheme: fc.constantFrom('', 'http://', 'grpc://'),
    place: fc.constantFrom(...PLACES),
    port: fc.constantFrom('', ':80', ':1-79'),
    range: fc.constantFrom(...RANGES),
  })
  .map(({ verb, scheme, place, port, range }) =>
    parseTargetRule(`${verb}${scheme}${place}${port}${/\d/.test(place) ? '' : range}`),
  );

const target = fc.record({
  scheme: fc.constantFrom('http' as const, 'grpc' as const),
  host: fc.constantFrom(...HOSTS),
  port: fc.constantFrom(80, 79, 443),
});

/** The rules one after the other, as docs/security.md describes them. */
function allowedOneByOne(rules: readonly TargetRule[], endpoint: TargetEndpoint, text: string): boolean {
  const address = parseAddress(text) ?? expect.fail(text);
  const [special] = SPECIAL_RANGES.filter(({ range }) => contains(range, address)).toSorted(
    (one, other) => other.range.prefix - one.range.prefix,
  );
  const fits = ({ scheme, host, ports }: TargetRule): boolean =>
    (scheme === undefined || scheme === endpoint.scheme) &&
    (ports === undefined || (ports[0] <= endpoint.port && endpoint.port <= ports[1])) &&
    (host === undefined || (host.isWildcard ? endpoint.host.endsWith(`.${host.name}`) : endpoint.host === host.name));
  const inRange = ({ ranges }: TargetRule, every: boolean): boolean =>
    ranges === undefined ? every : ranges.some((range) => contains(range, address));
  const opens = ({ ranges }: TargetRule): boolean =>
    ranges === undefined
      ? special === undefined
      : ranges.some((range) => contains(range, address) && (special === undefined || isWithin(range, special.range)));
  if (rules.some((one) => !one.allows && fits(one) && inRange(one, true))) return false;
  const allowing = rules.filter(({ allows }) => allows);
  return allowing.length === 0 ? special === undefined : allowing.some((one) => fits(one) && opens(one));
}

it('the rules decide the same as when each of them is tried', () => {
  fc.assert(
    fc.property(fc.array(rule, { maxLength: 8 }), target, fc.constantFrom(...ADDRESSES), (rules, endpoint, other) => {
      const address = parseAddress(endpoint.host) === undefined ? other : endpoint.host;
      const fault = new RuleSet(rules, 'public').faultOfAddress(endpoint, address);
      expect(fault === undefined, fault).toBe(allowedOneByOne(rules, endpoint, address));
    }),
    { numRuns: 5_000 },
  );
});

it('a target that is rejected at submission cannot be connected to at any address', () => {
  fc.assert(
    fc.property(fc.array(rule, { maxLength: 8 }), target, fc.constantFrom(...ADDRESSES), (rules, endpoint, other) => {
      const set = new RuleSet(rules, 'public');
      const address = parseAddress(endpoint.host) === undefined ? other : endpoint.host;
      if (set.faultOf(endpoint) !== undefined) expect(set.faultOfAddress(endpoint, address)).toBeDefined();
    }),
    { numRuns: 5_000 },
  );
});
