/*
 * A value of `branch_headers` may name a secret instead of containing it: `secret:NAME`, or
 * `SCHEME secret:NAME` as in `Bearer secret:bank`. The secret replaces the reference when the call
 * is made, so that the transaction's record contains the reference only.
 */

/** Bounds of the secrets that references name. */
export const SECRET_LIMITS = {
  nameLength: 64,
  /** Responses of participants are searched for secrets; shorter ones occur in ordinary texts. */
  leastLength: 8,
  length: 4096,
  /** Secrets of one coordinator, in all namespaces. */
  count: 1_000,
} as const;

const NAME = new RegExp(`^[A-Za-z0-9][A-Za-z0-9._-]{0,${SECRET_LIMITS.nameLength - 1}}$`);

/** What is wrong with the name of a secret; undefined if it is valid. */
export const secretNameFault = (name: string): string | undefined =>
  NAME.test(name)
    ? undefined
    : `must have 1 to ${SECRET_LIMITS.nameLength} letters, digits and . _ -, and begin with a letter or digit`;

const VALUE = /^[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?$/;

/** What is wrong with a secret, without the secret; undefined if it can be sent in a header. */
export function secretValueFault(value: string): string | undefined {
  const { leastLength, length } = SECRET_LIMITS;
  if (value.length < leastLength || value.length > length)
    return `a secret must have ${leastLength} to ${length} characters`;
  return VALUE.test(value)
    ? undefined
    : 'a secret for a header must be one line of printable ASCII, without a space at its ends';
}

const WORD = 'secret:';
const REFERENCE = /^((?:[\w!#$%&'*+.^`|~-]+ )?)secret:(.*)$/s;

/** Whether a value contains what may be a reference: a quick test for the values of each call. */
const mayRefer = (value: string): boolean => value.includes(WORD);

export interface SecretReference {
  /** The text before the reference, such as `Bearer ` with its space; empty: none. */
  readonly before: string;
  /** May be invalid: see `secretNameFault`. */
  readonly name: string;
}

/** The reference in a value of a header; undefined: the value is sent as it is. */
export function secretReferenceIn(value: string): SecretReference | undefined {
  const [, before, name] = (mayRefer(value) && REFERENCE.exec(value)) || [];
  return before === undefined || name === undefined ? undefined : { before, name };
}

/** In any spelling. A longer text before it is not the scheme of a credential. */
const WORD_IN_ANY_SPELLING = /^(.{0,80}?)secret[ \t]{0,8}:/is;
/** Blanks, and what quotes or encloses a value in other notations. */
const AROUND = String.raw`[\s"'\x60$({[<=]`;
/** At most one word, apart from the reference. */
const ONE_WORD_BEFORE = new RegExp(String.raw`^${AROUND}*(?:[\w!#%&*+.^|~-]+[:,]?${AROUND}+)?$`);

const SPELLING =
  'a reference to a secret must be secret:NAME, in lower case, and either the whole value or after one word and one space';

/** What is wrong with a value that is nearly a reference; undefined if it is one, or is none. */
export function spellingFaultOf(value: string): string | undefined {
  const before = WORD_IN_ANY_SPELLING.exec(value)?.[1];
  if (before === undefined || !ONE_WORD_BEFORE.test(before)) return undefined;
  return secretReferenceIn(value) === undefined ? SPELLING : undefined;
}

type Headers = Readonly<Record<string, string>>;

/** Whether a header refers to a secret. */
export function refersToSecrets(headers: Headers): boolean {
  for (const name in headers) if (secretReferenceIn(headers[name] ?? '') !== undefined) return true;
  return false;
}

/** What a reference names: the secret, or why there is none. */
export type SecretFound =
  { readonly kind: 'secret'; readonly value: string } | { readonly kind: 'none'; readonly why: string };

/** Headers without references, or the header whose secret is missing, and why. */
export type ResolvedHeaders =
  | { readonly kind: 'resolved'; readonly headers: Headers; readonly secrets: readonly string[] }
  | { readonly kind: 'missing'; readonly header: string; readonly why: string };

/** Replaces the references in headers. `find` receives valid names only. */
export function resolveSecrets(headers: Headers, find: (name: string) => SecretFound): ResolvedHeaders {
  const resolved: Record<string, string> = {};
  const secrets: string[] = [];
  for (const [header, value] of Object.entries(headers)) {
    const reference = secretReferenceIn(value);
    if (reference === undefined) {
      resolved[header] = value;
      continue;
    }
    const { before, name } = reference;
    const fault = secretNameFault(name);
    // The text may be a secret that was written instead of a name.
    if (fault !== undefined) return { kind: 'missing', header, why: `the name after secret: ${fault}` };
    const found = find(name);
    if (found.kind === 'none') return { kind: 'missing', header, why: `secret:${name} ${found.why}` };
    resolved[header] = before + found.value;
    secrets.push(found.value);
  }
  return { kind: 'resolved', headers: resolved, secrets };
}

export interface SecretFault {
  /** The name of the header. */
  readonly header: string;
  readonly why: string;
}

/**
 * The header that cannot be sent: it is nearly a reference, or its secret is missing. Undefined:
 * there is none. `find` receives valid names only.
 */
export function secretFaultOf(headers: Headers, find: (name: string) => SecretFound): SecretFault | undefined {
  let refers = false;
  for (const header in headers) {
    const value = headers[header] ?? '';
    const why = spellingFaultOf(value);
    if (why !== undefined) return { header, why };
    refers ||= secretReferenceIn(value) !== undefined;
  }
  if (!refers) return undefined;
  const resolved = resolveSecrets(headers, find);
  return resolved.kind === 'missing' ? resolved : undefined;
}
