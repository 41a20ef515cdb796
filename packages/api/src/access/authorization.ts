import { TOKEN_PREFIX } from './tokens/token-text.ts';

/** What an `Authorization` presents: a token, or why there is none. */
export type Presented =
  { readonly kind: 'token'; readonly text: string } | { readonly kind: 'malformed'; readonly fault: string };

/** Longest accepted value, in characters. A token has fewer than 100, a JWT a few thousand. */
export const LONGEST_AUTHORIZATION = 8 * 1024;

const SCHEME = /^(bearer|basic) +([^\s,]+) *$/i;

/**
 * Reads the value of `Authorization`. In HTTP Basic, which clients send for the user information of
 * a URL, the token is the password or the user.
 */
export function presentedBy(authorization: string): Presented {
  if (authorization.length > LONGEST_AUTHORIZATION) return malformed('is too long');
  const [, scheme, value = ''] = SCHEME.exec(authorization) ?? [];
  if (scheme === undefined) return malformed('must be sent once, as "Bearer TOKEN"');
  if (scheme.toLowerCase() === 'bearer') return { kind: 'token', text: value };
  const account = Buffer.from(value, 'base64').toString();
  const colon = account.indexOf(':');
  const parts = colon < 0 ? [account] : [account.slice(colon + 1), account.slice(0, colon)];
  const text = parts.find((part) => part.startsWith(TOKEN_PREFIX));
  return text === undefined
    ? malformed('has the scheme Basic without a token as its password or user')
    : { kind: 'token', text };
}

const malformed = (fault: string): Presented => ({ kind: 'malformed', fault });
