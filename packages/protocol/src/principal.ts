import { HoldfastError } from './errors.ts';
import { LIMITS } from './limits.ts';

/** The roles that an operation may require, from the least powerful to the most powerful. */
export const ROLES = ['viewer', 'submitter', 'operator', 'admin'] as const;
export type Role = (typeof ROLES)[number];

/** The authenticated sender of a call. */
export interface Principal {
  /** Stored and displayed as is. See `principalFault` for its form. */
  readonly id: string;
  readonly roles: readonly Role[];
  /** The namespaces in which it may act. Absent: all; an empty list: none. */
  readonly namespaces?: readonly string[];
  /** API tokens that it creates or rotates expire at this time at the latest. Absent: no limit. */
  readonly grantsUntilMs?: number;
  /** Its own limits, which take precedence over those of the configuration. */
  readonly limits?: CallerLimits;
}

/** What a principal may send to one node. 0: unlimited; absent: as the node is configured. */
export interface CallerLimits {
  readonly requestsPerSecond?: number | undefined;
  /** Requests at once; as many as per second by default. */
  readonly burst?: number | undefined;
  /** Bytes of request bodies. */
  readonly bytesPerSecond?: number | undefined;
  /** Unfinished transactions. */
  readonly inFlight?: number | undefined;
}

/** The principal of a caller that has not been authenticated. Its ID is never stored. */
export const ANONYMOUS: Principal = { id: 'anonymous', roles: [] };

export const isAnonymous = ({ id }: Pick<Principal, 'id'>): boolean => id === ANONYMOUS.id;

/**
 * What is wrong with a principal's ID; undefined if nothing is. An ID has 1 to
 * `LIMITS.principalBytes` bytes of UTF-8 without control characters, so that it can be printed in a
 * terminal and in a log line.
 */
export function principalFault(id: string): string | undefined {
  if (id === '') return 'must not be empty';
  if (CONTROL.test(id)) return 'must not contain control characters, line breaks or half a surrogate pair';
  const bytes = Buffer.byteLength(id);
  if (bytes > LIMITS.principalBytes)
    return `must have at most ${LIMITS.principalBytes} bytes of UTF-8, this one has ${bytes}`;
  return undefined;
}

/**
 * What is wrong with the name of a namespace in a request, a token or a configuration; undefined if
 * nothing is. Names that do not have this form are reserved for Holdfast's records.
 */
export const namespaceFault = (name: string): string | undefined =>
  NAMESPACE.test(name)
    ? undefined
    : `must have 1 to ${LIMITS.namespaceLength} letters, digits, dots, hyphens or underscores, and begin with a letter or digit`;

const NAMESPACE = new RegExp(`^[A-Za-z0-9][A-Za-z0-9._-]{0,${LIMITS.namespaceLength - 1}}$`);

/**
 * A principal with a checked ID.
 *
 * @throws {HoldfastError} `invalid`, with the field `principal`
 */
export function principalOf(id: string, roles: readonly Role[]): Principal {
  const fault = principalFault(id);
  if (fault !== undefined) throw new HoldfastError('invalid', fault, { field: ['principal'] });
  return { id, roles };
}

/**
 * Control and format characters (the latter include those that reverse the direction of text), line
 * and paragraph separators, and half surrogate pairs.
 */
const CONTROL = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u;
