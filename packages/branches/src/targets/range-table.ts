import type { IpAddress, IpRange } from './ip-address.ts';

/** The ranges with one length of their prefix. */
interface Length<T> {
  readonly prefix: number;
  /** Number of bits after the prefix. */
  readonly rest: bigint;
  /** By the first bits of their ranges. */
  readonly values: Map<bigint, T[]>;
}

/** Values by ranges of addresses: a lookup costs one step per length of a prefix. */
export class RangeTable<T> {
  /** Of IPv4 and of IPv6, the longest prefixes first. */
  readonly #lengths: Readonly<Record<IpAddress['bits'], Length<T>[]>> = { 32: [], 128: [] };

  add({ bits, prefix, value: first }: IpRange, value: T): void {
    const lengths = this.#lengths[bits];
    let length = lengths.find((one) => one.prefix === prefix);
    if (length === undefined) {
      length = { prefix, rest: BigInt(bits - prefix), values: new Map() };
      lengths.push(length);
      lengths.sort((a, b) => b.prefix - a.prefix);
    }
    const key = first >> length.rest;
    const known = length.values.get(key);
    if (known === undefined) length.values.set(key, [value]);
    else known.push(value);
  }

  /** The values of the narrowest range with this address; undefined if there is none. */
  narrowest({ bits, value }: IpAddress): readonly T[] | undefined {
    for (const { rest, values } of this.#lengths[bits]) {
      const found = values.get(value >> rest);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  /** The values of all ranges with this address. */
  all({ bits, value }: IpAddress): readonly T[] {
    return this.#lengths[bits].flatMap(({ rest, values }) => values.get(value >> rest) ?? []);
  }
}
