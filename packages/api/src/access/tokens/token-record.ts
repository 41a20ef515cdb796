import type { KeyValue, KeyValueId } from '@holdfast/core/store';
import { HoldfastError, type Principal, ROLES, type TokenInfo } from '@holdfast/protocol';
import { z } from 'zod';

/**
 * The namespace of Holdfast's records in the store. No request can name it: see `namespaceFault`.
 */
const SYSTEM_NAMESPACE = '$holdfast';
const CATEGORY = 'token';

export const TOKEN_CATEGORY = { namespace: SYSTEM_NAMESPACE, category: CATEGORY } as const;

export const keyOfToken = (id: string): KeyValueId => ({ ...TOKEN_CATEGORY, key: id });

const record = z.object({
  format: z.literal(1),
  name: z.string(),
  role: z.enum(ROLES),
  namespaces: z.array(z.string()).optional(),
  /** SHA-256 of the token's text, in hexadecimal digits. */
  hash: z.string(),
  /** The secret before the last rotation. */
  previous: z.object({ hash: z.string(), validUntilMs: z.number() }).optional(),
  createdAtMs: z.number(),
  createdBy: z.string(),
  expiresAtMs: z.number().optional(),
  lastUsedAtMs: z.number().optional(),
  rotatedAtMs: z.number().optional(),
  revokedAtMs: z.number().optional(),
});
/** A token as stored. */
export type TokenRecord = Readonly<z.infer<typeof record>>;

/** A stored token with its ID and the version of its key-value. */
export interface StoredToken extends TokenRecord {
  readonly id: string;
  readonly version: number;
}

/** Reads a stored token. Throws `unavailable` for the format of a later version. */
export function tokenOf({ key, version, value }: KeyValue): StoredToken {
  let parsed: ReturnType<typeof record.safeParse> | undefined;
  try {
    parsed = record.safeParse(JSON.parse(value));
  } catch {
    // Damaged, as below.
  }
  if (parsed?.success === true) return { ...parsed.data, id: key, version };
  throw new HoldfastError(
    'unavailable',
    `this version of Holdfast cannot read the token ${key}: a later version wrote it, or it is damaged; revoke it`,
  );
}

export const valueOfToken = (token: TokenRecord): string => JSON.stringify(record.parse(token));

/** A token for display. */
export const infoOf = (token: StoredToken): TokenInfo => ({
  id: token.id,
  name: token.name,
  role: token.role,
  allNamespaces: token.namespaces === undefined,
  namespaces: token.namespaces ?? [],
  createdAtMs: token.createdAtMs,
  createdBy: token.createdBy,
  expiresAtMs: token.expiresAtMs ?? null,
  lastUsedAtMs: token.lastUsedAtMs ?? null,
  rotatedAtMs: token.rotatedAtMs ?? null,
  previousValidUntilMs: token.previous?.validUntilMs ?? null,
  revokedAtMs: token.revokedAtMs ?? null,
});

/** The principal that a token proves. Its ID names the token for people, and identifies it. */
export const principalOfToken = ({ id, name, role, namespaces }: StoredToken): Principal => ({
  id: `token:${name}/${id}`,
  roles: [role],
  ...(namespaces !== undefined && { namespaces }),
});
