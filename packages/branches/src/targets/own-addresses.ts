import { networkInterfaces } from 'node:os';
import { contains, type IpAddress, parseAddress } from './ip-address.ts';
import type { IsOwn } from './rule-set.ts';
import { specialRangeOf } from './special-ranges.ts';

/** An address and a port at which this coordinator listens. */
export interface ListeningAt {
  /** An address, or `localhost`. */
  readonly host: string;
  readonly port: number;
}

/** Whether a connection to an address and port would reach one of these listeners. */
export const ownAddresses =
  (listening: readonly ListeningAt[]): IsOwn =>
  (address, port) =>
    listening.some((own) => own.port === port && reaches(address, own.host));

function reaches(address: IpAddress, host: string): boolean {
  const own = parseAddress(host);
  // The system connects to 0.0.0.0 and :: as to loopback.
  const isLocal = isOneOf(address, ['loopback', 'this host']);
  if (own === undefined || isOneOf(own, ['loopback'])) return isLocal;
  if (isOneOf(own, ['this host'])) return isLocal || isOfThisMachine(address);
  return isSame(own, address);
}

const isOneOf = (address: IpAddress, kinds: readonly string[]): boolean =>
  kinds.includes(specialRangeOf(address)?.kind ?? '');

const isOfThisMachine = (address: IpAddress): boolean =>
  Object.values(networkInterfaces()).some((found) =>
    found?.some((one) => {
      const own = parseAddress(one.address);
      return own !== undefined && isSame(own, address);
    }),
  );

const isSame = (one: IpAddress, other: IpAddress): boolean => contains({ ...one, prefix: one.bits }, other);
