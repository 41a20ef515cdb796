import { contains, type IpAddress, type IpRange, parseRange, textOfAddress } from './ip-address.ts';
import { RangeTable } from './range-table.ts';

/** A range whose addresses are not those of public services. */
export interface SpecialRange {
  readonly range: IpRange;
  /** For example `10.0.0.0/8`. */
  readonly text: string;
  /** For example `private`. */
  readonly kind: string;
}

/**
 * The special-purpose ranges of IANA's registries for IPv4 and IPv6, multicast, what is not
 * assigned, and the addresses at which clouds serve credentials. `docs/security.md` has this table.
 */
export const SPECIAL_RANGES: readonly SpecialRange[] = [
  ['0.0.0.0/8', 'this host'],
  ['10.0.0.0/8', 'private'],
  ['100.64.0.0/10', 'carrier-grade NAT'],
  ['100.100.100.200', 'cloud metadata'],
  ['127.0.0.0/8', 'loopback'],
  ['168.63.129.16', 'cloud metadata'],
  ['169.254.0.0/16', 'link-local'],
  ['169.254.169.254', 'cloud metadata'],
  ['169.254.170.2', 'cloud metadata'],
  ['169.254.170.23', 'cloud metadata'],
  ['172.16.0.0/12', 'private'],
  ['192.0.0.0/24', 'IETF protocols'],
  ['192.0.0.192', 'cloud metadata'],
  ['192.0.2.0/24', 'documentation'],
  ['192.31.196.0/24', 'AS112'],
  ['192.52.193.0/24', 'multicast relays'],
  ['192.88.99.0/24', '6to4 relays'],
  ['192.168.0.0/16', 'private'],
  ['192.175.48.0/24', 'AS112'],
  ['198.18.0.0/15', 'benchmarks'],
  ['198.51.100.0/24', 'documentation'],
  ['203.0.113.0/24', 'documentation'],
  ['224.0.0.0/4', 'multicast'],
  ['240.0.0.0/4', 'reserved'],
  ['255.255.255.255', 'broadcast'],
  ['::/3', 'reserved'],
  ['4000::/2', 'reserved'],
  ['8000::/1', 'reserved'],
  ['::', 'this host'],
  ['::1', 'loopback'],
  ['::/96', 'IPv4 in IPv6'],
  ['::ffff:0:0:0/96', 'IPv4 in IPv6'],
  ['64:ff9b::/96', 'IPv4 in IPv6 (NAT64)'],
  ['64:ff9b:1::/48', 'IPv4 in IPv6 (NAT64)'],
  ['100::/64', 'discard'],
  ['100:0:0:1::/64', 'dummy prefix'],
  ['2001::/23', 'IETF protocols'],
  ['2001::/32', 'IPv4 in IPv6 (Teredo)'],
  ['2001:2::/48', 'benchmarks'],
  ['2001:db8::/32', 'documentation'],
  ['2002::/16', 'IPv4 in IPv6 (6to4)'],
  ['2620:4f:8000::/48', 'AS112'],
  ['3fff::/20', 'documentation'],
  ['5f00::/16', 'segment routing'],
  ['fc00::/7', 'private'],
  ['fd00:42::42', 'cloud metadata'],
  ['fd00:ec2::23', 'cloud metadata'],
  ['fd00:ec2::254', 'cloud metadata'],
  ['fd20:ce::254', 'cloud metadata'],
  ['fe80::/10', 'link-local'],
  ['fec0::/10', 'site-local'],
  ['ff00::/8', 'multicast'],
].map(([text = '', kind = '']) => ({ text, kind, range: rangeOf(text) }));

function rangeOf(text: string): IpRange {
  const range = parseRange(text);
  if (range === undefined) throw new RangeError(`${text} is not a range of addresses`);
  return range;
}

const TABLE = new RangeTable<SpecialRange>();
for (const special of SPECIAL_RANGES) TABLE.add(special.range, special);

const NAT64 = rangeOf('64:ff9b::/96');

/**
 * The narrowest special range with this address; undefined for a public address. Behind NAT64, the
 * address of a public IPv4 service is public: a network with IPv6 only reaches it by that address.
 */
export function specialRangeOf(address: IpAddress): SpecialRange | undefined {
  const embedded = embeddedIn(address);
  if (embedded !== undefined) {
    const special = specialRangeOf(embedded);
    if (special === undefined) return undefined;
    const kind = `NAT64 of ${textOfAddress(embedded)}, ${special.kind}`;
    return { range: NAT64, text: '64:ff9b::/96', kind };
  }
  return TABLE.narrowest(address)?.[0];
}

/** The IPv4 address that NAT64 connects to; undefined for any other address. */
export const embeddedIn = (address: IpAddress): IpAddress | undefined =>
  address.bits === 128 && contains(NAT64, address) ? { bits: 32, value: address.value & 0xffff_ffffn } : undefined;
