import { HoldfastError, isAnonymous, type Principal, ROLES, type TokenRecord } from '@holdfast/protocol';
import { highestRole } from '../roles.ts';

/** A caller must not receive the text of a token that outlives its own. */
export function requireNoLonger({ grantsUntilMs }: Principal, expiresAtMs = Infinity): void {
  if (grantsUntilMs === undefined || expiresAtMs <= grantsUntilMs) return;
  throw new HoldfastError(
    'forbidden',
    `a token cannot be valid for longer than its creator, which expires at ${new Date(grantsUntilMs).toISOString()}; use one that is valid for longer`,
  );
}

/** By how much a token may do more than a principal, for an error; undefined: it may not. */
export function excessOf(principal: Principal, token: Pick<TokenRecord, 'role' | 'namespaces'>): string | undefined {
  // Without authentication, every caller may do everything.
  if (isAnonymous(principal)) return undefined;
  const own = highestRole(principal);
  if (own === undefined || ROLES.indexOf(token.role) > ROLES.indexOf(own))
    return `the role ${token.role}: its creator has the role ${own ?? '(none)'}`;
  const { namespaces } = principal;
  if (namespaces === undefined) return undefined;
  if (token.namespaces === undefined) return `all namespaces: its creator has only ${namespaces.join(', ')}`;
  const more = token.namespaces.find((name) => !namespaces.includes(name));
  return more === undefined ? undefined : `the namespace ${more}: its creator does not have it`;
}
