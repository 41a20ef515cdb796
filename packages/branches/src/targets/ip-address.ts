import { isIP, isIPv4 } from 'node:net';

/** An address as a number. IPv4 addresses that are mapped into IPv6 are IPv4 addresses. */
export interface IpAddress {
  readonly bits: 32 | 128;
  readonly value: bigint;
}

/** The addresses with the same first `prefix` bits. */
export interface IpRange extends IpAddress {
  readonly prefix: number;
}

/** `::ffff:0:0/96`: a socket that connects to one of these connects to the IPv4 address. */
const MAPPED = 0xffffn;
const MAPPED_BITS = 96;

/** Longest text of an address, with a zone. */
const MAX_LENGTH = 128;

/**
 * Parses an address in the forms that `net.isIP` accepts; a zone (`%eth0`) is ignored. Undefined
 * for any other text.
 */
export function parseAddress(text: string): IpAddress | undefined {
  if (text.length > MAX_LENGTH) return undefined;
  switch (isIP(text)) {
    case 4:
      return { bits: 32, value: valueOf4(text) };
    case 6: {
      const value = valueOf6(text.split('%', 1)[0] ?? '');
      return value >> 32n === MAPPED ? { bits: 32, value: value & 0xffff_ffffn } : { bits: 128, value };
    }
    default:
      return undefined;
  }
}

/**
 * Parses `address` or `address/prefix`; undefined for any other text, and if bits after the prefix
 * are set, since the author probably meant another range.
 */
export function parseRange(text: string): IpRange | undefined {
  const [place = '', digits, ...more] = text.split('/');
  const address = place.includes('%') ? undefined : parseAddress(place);
  if (address === undefined || more.length > 0) return undefined;
  if (digits === undefined) return { ...address, prefix: address.bits };
  const isMapped = address.bits === 32 && !isIPv4(place);
  if (!/^\d{1,3}$/.test(digits)) return undefined;
  const prefix = Number(digits) - (isMapped ? MAPPED_BITS : 0);
  if (prefix < 0 || prefix > address.bits) return undefined;
  const range = { ...address, prefix };
  return firstBits(range, prefix) << BigInt(address.bits - prefix) === address.value ? range : undefined;
}

/** Whether an address is in a range. */
export const contains = (range: IpRange, address: IpAddress): boolean =>
  range.bits === address.bits && firstBits(range, range.prefix) === firstBits(address, range.prefix);

/** Whether all addresses of `inner` are in `outer`. */
export const isWithin = (inner: IpRange, outer: IpRange): boolean =>
  inner.prefix >= outer.prefix && contains(outer, inner);

/** The usual text of an address; zeros of IPv6 are not shortened beyond leading ones. */
export function textOfAddress({ bits, value }: IpAddress): string {
  if (bits === 32) return [24n, 16n, 8n, 0n].map((shift) => String((value >> shift) & 0xffn)).join('.');
  return Array.from({ length: 8 }, (_, index) => ((value >> BigInt(112 - 16 * index)) & 0xffffn).toString(16)).join(
    ':',
  );
}

const firstBits = ({ bits, value }: IpAddress, prefix: number): bigint => value >> BigInt(bits - prefix);

const valueOf4 = (text: string): bigint => text.split('.').reduce((value, part) => (value << 8n) | BigInt(part), 0n);

/** @param text a valid address */
function valueOf6(text: string): bigint {
  const [head = '', tail] = text.split('::');
  const [first, last] = [groupsOf(head), groupsOf(tail ?? '')];
  const zeros = Array<bigint>(tail === undefined ? 0 : 8 - first.length - last.length).fill(0n);
  return [...first, ...zeros, ...last].reduce((value, group) => (value << 16n) | group, 0n);
}

/** The 16-bit groups of a part; an IPv4 address at its end is two of them. */
const groupsOf = (part: string): readonly bigint[] =>
  part === ''
    ? []
    : part.split(':').flatMap((group) => {
        if (!group.includes('.')) return [BigInt(`0x${group}`)];
        const value = valueOf4(group);
        return [value >> 16n, value & 0xffffn];
      });
