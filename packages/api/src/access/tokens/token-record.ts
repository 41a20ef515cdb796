import type { KeyValue, KeyValueId } from '@holdfast/core/store';
import { HoldfastError, type Principal, storedToken, type TokenInfo, type TokenRecord } from '@holdfast/protocol';

/**
 * The namespace of Holdfast's records in the store. No request can name it: see `namespaceFault`.
 */
const SYSTEM_NAMESPACE = '$holdfast';
const CATEGORY = 'token';

export const TOKEN_CATEGORY = { namespace: SYSTEM_NAMESPACE, category: CATEGORY } as const;

/** Whether a text has the form of the ID of a token. */
export const isTokenId = (id: string): boolean => /^[0-9a-z]{1,16}$/.test(id);

export const keyOfToken = (id: string): KeyValueId => ({ ...TOKEN_CATEGORY, key: id });

/** Secrets of a token besides the present one that are kept. */
export const MOST_PREVIOUS = 4;

/** A stored token with its ID and the version of its key-value. */
export interface StoredToken extends TokenRecord {
  readonly id: string;
  readonly version: number;
}

/** Reads a stored token. Throws `unavailable` for the format of a later version. */
export function tokenOf({ key, version, value }: KeyValue): StoredToken {
  let parsed: ReturnType<typeof storedToken.safeParse> | undefined;
  try {
    parsed = storedToken.safeParse(JSON.parse(value));
  } catch {
    // Damaged, as below.
  }
  if (parsed?.success === true) return { ...parsed.data, id: key, version };
  throw new HoldfastError(
    'unavailable',
    `this version of Holdfast cannot read the token ${key}: a later version wrote it, or it is damaged; revoke it`,
  );
}

/** A token that this version cannot read is neither listed nor deleted. */
export function readableToken(stored: KeyValue): readonly StoredToken[] {
  try {
    return [tokenOf(stored)];
  } catch {
    return [];
  }
}

export const valueOfToken = (token: TokenRecord): string => JSON.stringify(storedToken.parse(token));

/** A token for display. */
export const infoOf = (token: StoredToken): TokenInfo => ({
  id: token.id,
  name: token.name,
  role: token.role,
  allNamespaces: token.namespaces === undefined,
  namespaces: token.namespaces ?? [],
  limits: token.limits ?? null,
  createdAtMs: token.createdAtMs,
  createdBy: token.createdBy,
  expiresAtMs: token.expiresAtMs ?? null,
  lastUsedAtMs: token.lastUsedAtMs ?? null,
  rotatedAtMs: token.rotatedAtMs ?? null,
  previousValidUntilMs: previousValidUntil(token),
  revokedAtMs: token.revokedAtMs ?? null,
});

/** The principal that a token proves. Its ID contains the name and the ID of the token. */
export const principalOfToken = ({ id, name, role, namespaces, limits, expiresAtMs }: StoredToken): Principal => ({
  id: `token:${name}/${id}`,
  roles: [role],
  ...(namespaces !== undefined && { namespaces }),
  ...(limits !== undefined && { limits }),
  ...(expiresAtMs !== undefined && { grantsUntilMs: expiresAtMs }),
});

/** Null: the last rotation had no overlap, and no earlier one outlasts it. */
function previousValidUntil({ previous = [], rotatedAtMs = 0 }: StoredToken): number | null {
  const untilMs = Math.max(0, ...previous.map(({ validUntilMs }) => validUntilMs));
  return untilMs > rotatedAtMs ? untilMs : null;
}
