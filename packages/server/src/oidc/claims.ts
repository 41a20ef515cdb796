import { namespaceFault, type Role, ROLES } from '@holdfast/protocol';

/** The claims of a JWT. */
export type Claims = Readonly<Record<string, unknown>>;

/** Where a claim is found. */
export interface ClaimPath {
  /** As it is configured. */
  readonly text: string;
  /** The names of the nested objects and of the claim. */
  readonly names: readonly string[];
}

/** Which claims determine what the bearer of a JWT may do. */
export interface ClaimSettings {
  readonly roles: ClaimPath;
  /** The role of each value; other values have no meaning. */
  readonly roleOf: ReadonlyMap<string, Role>;
  /** Undefined: the bearer of any JWT may act in all namespaces. */
  readonly namespaces: ClaimPath | undefined;
}

/** What the claims of a JWT grant, or why they grant nothing. */
export type Grant =
  | { readonly kind: 'grant'; readonly roles: readonly Role[]; readonly namespaces?: readonly string[] }
  /** The JWT is in order, and grants nothing here. */
  | { readonly kind: 'nothing'; readonly fault: string }
  | { readonly kind: 'malformed'; readonly fault: string };

/** In the claim of namespaces: all of them. */
const ALL_NAMESPACES = '*';
const LONGEST_PATH = 256;
const MOST_NAMES = 8;

/**
 * Reads a path such as `realm_access.roles`. A dot that belongs to a name is written `\.`. Returns
 * undefined if it has empty or too many names.
 */
export function readClaimPath(text: string): ClaimPath | undefined {
  if (text.length > LONGEST_PATH) return undefined;
  const names = text.split(/(?<!\\)\./).map((name) => name.replaceAll(String.raw`\.`, '.'));
  return names.length > MOST_NAMES || names.includes('') ? undefined : { text, names };
}

/**
 * The value of a claim; undefined: there is none. A claim whose whole name is the path, such as a
 * URL with dots, takes precedence over nested ones.
 */
export function claimAt(claims: Claims, { text, names }: ClaimPath): unknown {
  if (Object.hasOwn(claims, text)) return claims[text];
  let value: unknown = claims;
  for (const name of names) {
    if (typeof value !== 'object' || value === null || Array.isArray(value) || !Object.hasOwn(value, name))
      return undefined;
    value = (value as Claims)[name];
  }
  return value;
}

/** What the claims grant, by the settings. */
export function grantOf(claims: Claims, { roles, roleOf, namespaces }: ClaimSettings): Grant {
  const values = textsOf(claimAt(claims, roles));
  if (values === undefined) return malformed(roles);
  const granted = ROLES.filter((role) => values.some((value) => roleOf.get(value) === role));
  if (granted.length === 0) return nothing(`has no role for this coordinator in its claim ${roles.text}`);
  if (namespaces === undefined) return { kind: 'grant', roles: granted };
  const names = textsOf(claimAt(claims, namespaces));
  if (names === undefined) return malformed(namespaces);
  if (names.includes(ALL_NAMESPACES)) return { kind: 'grant', roles: granted };
  const valid = [...new Set(names)].filter((name) => namespaceFault(name) === undefined);
  if (valid.length === 0) return nothing(`names no namespace in its claim ${namespaces.text}`);
  return { kind: 'grant', roles: granted, namespaces: valid };
}

const nothing = (fault: string): Grant => ({ kind: 'nothing', fault });
const malformed = ({ text }: ClaimPath): Grant => ({
  kind: 'malformed',
  fault: `must have a text or a list of texts in its claim ${text}`,
});

/** A list of texts, or one text with the values separated by spaces, as in `scope`. */
function textsOf(value: unknown): readonly string[] | undefined {
  if (value === undefined || value === null) return [];
  if (typeof value === 'string') return value.split(' ').filter((part) => part !== '');
  return Array.isArray(value) && value.every((part) => typeof part === 'string') ? value : undefined;
}
