import { BlockList } from 'node:net';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { contains, isWithin, parseAddress, parseRange, textOfAddress } from '../../src/targets/ip-address.ts';
import { SPECIAL_RANGES, specialRangeOf } from '../../src/targets/special-ranges.ts';

const kindOf = (text: string): string => {
  const address = parseAddress(text);
  if (address === undefined) throw new Error(`${text} is not an address`);
  return specialRangeOf(address)?.kind ?? 'public';
};

const ipv4 = fc.ipV4();
const ipv6 = fc.ipV6();

describe('an address', () => {
  it('that is mapped into IPv6 is the IPv4 address, however it is written', () => {
    for (const text of ['::ffff:127.0.0.1', '::ffff:7f00:1', '0:0:0:0:0:ffff:7f00:0001', '::FFFF:127.0.0.1%lo'])
      expect(parseAddress(text)).toEqual(parseAddress('127.0.0.1'));
  });

  it('of IPv6 is the same in each of its forms', () => {
    const same = ['2001:db8::1', '2001:0db8:0:0:0:0:0:1', '2001:DB8::0.0.0.1', '2001:db8::1%eth0'];
    for (const text of same) expect(parseAddress(text)).toEqual(parseAddress('2001:db8::1'));
  });

  it('is not what only looks like one', () => {
    for (const text of [
      '',
      '127.1',
      '0x7f.0.0.1',
      '127.0.0.01',
      '256.0.0.1',
      '::1::',
      'fe80::1%',
      'localhost',
      '[::1]',
    ])
      expect(parseAddress(text), text).toBeUndefined();
    expect(parseAddress(`::1%${'a'.repeat(65_536)}`)).toBeUndefined();
  });

  it('is in the same ranges as in net.BlockList', () => {
    const place = fc.oneof(
      fc.record({ family: fc.constant('ipv4' as const), one: ipv4, other: ipv4, prefix: fc.nat(32) }),
      fc.record({ family: fc.constant('ipv6' as const), one: ipv6, other: ipv6, prefix: fc.nat(128) }),
    );
    fc.assert(
      fc.property(place, fc.boolean(), ({ family, one, other, prefix }, isSame) => {
        const address = parseAddress(isSame ? one : other);
        const base = parseAddress(one);
        if (address === undefined || base === undefined || (family === 'ipv6' && base.bits === 32)) return;
        const list = new BlockList();
        list.addSubnet(one, prefix, family);
        // BlockList compares only the first bits of a range, so the bits after them may be set.
        expect(contains({ ...base, prefix }, address)).toBe(list.check(isSame ? one : other, family));
      }),
      { numRuns: 500 },
    );
  });

  it('has a text that is read as the same address', () => {
    fc.assert(
      fc.property(fc.oneof(ipv4, ipv6), (text) => {
        const address = parseAddress(text);
        expect(address).toBeDefined();
        if (address !== undefined) expect(parseAddress(textOfAddress(address))).toEqual(address);
      }),
    );
  });
});

describe('a range', () => {
  it('has no bits after its prefix, so that its author meant what it covers', () => {
    expect(parseRange('10.0.0.0/8')).toEqual({ bits: 32, value: 0x0a00_0000n, prefix: 8 });
    expect(parseRange('10.1.0.0/8')).toBeUndefined();
    expect(parseRange('fd00::/8')).toMatchObject({ bits: 128, prefix: 8 });
    expect(parseRange('fd00::1/8')).toBeUndefined();
  });

  it('that is mapped into IPv6 is a range of IPv4', () => {
    expect(parseRange('::ffff:10.0.0.0/104')).toEqual(parseRange('10.0.0.0/8'));
    expect(parseRange('::ffff:10.0.0.0/90')).toBeUndefined();
  });

  it('is not what has another number of bits, or more than one', () => {
    for (const text of [
      '10.0.0.0/33',
      '10.0.0.0/',
      '10.0.0.0/-1',
      '10.0.0.0/8/8',
      '10/8',
      '::/129',
      'fe80::%eth0/10',
      '',
    ])
      expect(parseRange(text), text).toBeUndefined();
  });

  it('is within another one only if all of it is', () => {
    const range = (text: string) => parseRange(text) ?? expect.fail(text);
    expect(isWithin(range('10.1.0.0/16'), range('10.0.0.0/8'))).toBe(true);
    expect(isWithin(range('10.0.0.0/8'), range('10.0.0.0/8'))).toBe(true);
    expect(isWithin(range('10.0.0.0/7'), range('10.0.0.0/8'))).toBe(false);
    expect(isWithin(range('::/0'), range('10.0.0.0/8'))).toBe(false);
  });
});

describe('a special range', () => {
  it('is found by the first and the last of its addresses, and by none outside of it', () => {
    for (const { range, text } of SPECIAL_RANGES) {
      const last = { ...range, value: range.value | ((1n << BigInt(range.bits - range.prefix)) - 1n) };
      for (const address of [range, last]) {
        const found = specialRangeOf(address);
        // A narrower one may begin or end at the same address.
        expect(found !== undefined && contains(range, found.range), `${text}: ${found?.text}`).toBe(true);
      }
    }
  });

  it('contains the addresses that requests from outside must not reach', () => {
    expect(
      Object.fromEntries(
        [
          '0.0.0.0',
          '10.255.255.255',
          '100.64.0.1',
          '100.100.100.200',
          '127.255.255.254',
          '168.63.129.16',
          '169.254.0.1',
          '169.254.169.254',
          '169.254.170.2',
          '172.16.0.1',
          '172.31.255.255',
          '192.0.0.192',
          '192.168.0.1',
          '198.19.255.255',
          '203.0.113.9',
          '224.0.0.1',
          '239.255.255.255',
          '240.0.0.1',
          '255.255.255.255',
          '::',
          '::1',
          '::127.0.0.1',
          '::ffff:0:127.0.0.1',
          '::ffff:10.0.0.1',
          '64:ff9b::7f00:1',
          '64:ff9b::a00:1',
          '64:ff9b:1::1',
          '100::1',
          '2001::1',
          '2001:db8::1',
          '2002:7f00:1::',
          'fc00::1',
          'fd00:ec2::254',
          'fd20:ce::254',
          'fe80::1',
          'fec0::1',
          'ff02::1',
          '4000::1',
          'e000::1',
        ].map((text) => [text, kindOf(text)]),
      ),
    ).toMatchInlineSnapshot(`
      {
        "0.0.0.0": "this host",
        "10.255.255.255": "private",
        "100.100.100.200": "cloud metadata",
        "100.64.0.1": "carrier-grade NAT",
        "100::1": "discard",
        "127.255.255.254": "loopback",
        "168.63.129.16": "cloud metadata",
        "169.254.0.1": "link-local",
        "169.254.169.254": "cloud metadata",
        "169.254.170.2": "cloud metadata",
        "172.16.0.1": "private",
        "172.31.255.255": "private",
        "192.0.0.192": "cloud metadata",
        "192.168.0.1": "private",
        "198.19.255.255": "benchmarks",
        "2001::1": "IPv4 in IPv6 (Teredo)",
        "2001:db8::1": "documentation",
        "2002:7f00:1::": "IPv4 in IPv6 (6to4)",
        "203.0.113.9": "documentation",
        "224.0.0.1": "multicast",
        "239.255.255.255": "multicast",
        "240.0.0.1": "reserved",
        "255.255.255.255": "broadcast",
        "4000::1": "reserved",
        "64:ff9b:1::1": "IPv4 in IPv6 (NAT64)",
        "64:ff9b::7f00:1": "NAT64 of 127.0.0.1, loopback",
        "64:ff9b::a00:1": "NAT64 of 10.0.0.1, private",
        "::": "this host",
        "::1": "loopback",
        "::127.0.0.1": "IPv4 in IPv6",
        "::ffff:0:127.0.0.1": "IPv4 in IPv6",
        "::ffff:10.0.0.1": "private",
        "e000::1": "reserved",
        "fc00::1": "private",
        "fd00:ec2::254": "cloud metadata",
        "fd20:ce::254": "cloud metadata",
        "fe80::1": "link-local",
        "fec0::1": "site-local",
        "ff02::1": "multicast",
      }
    `);
  });

  it('does not contain the addresses around it', () => {
    const publics = [
      '1.1.1.1',
      '9.255.255.255',
      '11.0.0.0',
      '100.63.255.255',
      '100.128.0.0',
      '126.255.255.255',
      '128.0.0.0',
      '168.63.129.15',
      '169.253.255.255',
      '169.255.0.0',
      '172.15.255.255',
      '172.32.0.0',
      '192.167.255.255',
      '192.169.0.0',
      '198.17.255.255',
      '198.20.0.0',
      '223.255.255.255',
      '2000::1',
      '2606:4700::1',
      '2a00::1',
      '2003::1',
      '64:ff9b::101:101',
    ];
    for (const text of publics) expect(kindOf(text), text).toBe('public');
  });
});
