/*
 * The only place that decides which parts of a text are secret: passwords in URLs, tokens, keys.
 * Every text for a log, an error, a timeline, an alert or a terminal passes through here.
 *
 * Repetitions that can match at each character of a text are bounded, so that the time is linear in
 * its length.
 */

import { withoutAccounts } from './accounts.ts';

const HIDDEN = '***';

/** Names of query parameters, headers and JSON fields whose values are secrets. */
const SECRET_NAME = String.raw`(?:[\w.-]{0,40}(?:passw(?:or)?d|passphrase|secret|token|api[-_]?key|[-_]key|credential)[\w.-]{0,40}|pwd|pass|auth|authorization|proxy-authorization|cookie|set-cookie|key|sig|signature)`;

/** A quotation mark, plain or escaped within JSON text. */
const QUOTE = String.raw`\\*["']`;

type Rules = readonly (readonly [pattern: RegExp, replacement: string])[];

const RULES: Rules = [
  // API tokens; their IDs are not secret.
  [/\b(hf_[0-9a-z]{4,16}_)[0-9a-z]{16,200}/gi, `$1${HIDDEN}`],
  // JWTs: their header is the JSON of an object.
  [/(?<![\w-])eyJ[\w-]{8,}\.[\w-]{2,}\.[\w-]*/g, `eyJ${HIDDEN}`],
  [new RegExp(String.raw`([?&;]${SECRET_NAME}=)[^&#;\s"'\\]+`, 'gi'), `$1${HIDDEN}`],
  [/([?&;](?:ssl|tls)=)(?:\{|%7b)[^&#\s"'\\]{0,4000}(?:["'][^&#\s]{0,4000})?/gi, `$1${HIDDEN}`],
  [/\b((?:bearer|basic|digest)\s+)(?!authentication|auth\b|realm)[\w.~+/=-]{6,}/gi, `$1${HIDDEN}`],
  // Backslashes before the first quotation mark are kept.
  [new RegExp(String.raw`(["']${SECRET_NAME}${QUOTE}\s*:\s*${QUOTE})[^"'\\]+`, 'gi'), `$1${HIDDEN}`],
  [/\b((?:proxy-)?authorization|(?:set-)?cookie|x-api-key)(\s*:\s*)(?![*"'\\\s])[^\r\n"'\\,]+/gi, `$1$2${HIDDEN}`],
  [new RegExp(String.raw`\b((?:password|passwd|pwd)\s*=\s*)[^\s&;,"'\\]+`, 'gi'), `$1${HIDDEN}`],
];

/** A quick test whether any rule may apply, for texts such as the URLs of a thousand steps. */
const SUSPECT = /hf_|eyJ|ssl=|tls=|bearer|basic|digest|pass|pwd|secret|token|key|auth|cookie|credential|sig/i;

/**
 * The text with passwords and tokens replaced by `***`. `known`: values that are secrets wherever
 * they occur, such as those sent to a participant that may echo them.
 */
export function withoutSecrets(text: string, known: readonly string[] = []): string {
  let shown = text;
  for (const value of known) if (value.length >= SHORTEST_SECRET) shown = shown.replaceAll(value, HIDDEN);
  if (shown.includes('@')) shown = withoutAccounts(shown);
  return SUSPECT.test(shown) ? replaced(shown, RULES) : shown;
}

const replaced = (text: string, rules: Rules): string =>
  rules.reduce((shown, [pattern, replacement]) => shown.replace(pattern, replacement), text);

/** Replacing shorter values would hide large parts of ordinary texts. */
const SHORTEST_SECRET = 4;

const IS_SECRET_NAME = new RegExp(`^${SECRET_NAME}$`, 'i');

/** Whether the value of a header or field of this name is a secret. */
export const isSecretName = (name: string): boolean => IS_SECRET_NAME.test(name);

/**
 * The secrets in headers: the values of secret headers, whole and without a leading scheme (`Bearer
 * …`).
 */
export const secretsOfHeaders = (headers: Readonly<Record<string, string>>): string[] =>
  Object.entries(headers).flatMap(([name, value]) =>
    isSecretName(name) ? [value, value.replace(/^[A-Za-z]+\s+/, '')] : [],
  );

/** Stores whose URL is a path, with nothing to hide. */
const PATH_SCHEMES = ['lmdb:', 'memory:'];

/**
 * The location in a URL, for display: scheme, host, port and path (the database). Parts that cannot
 * be distinguished from a password are left out.
 */
export function placeOfUrl(url: string): string {
  if (PATH_SCHEMES.some((scheme) => url.startsWith(scheme))) return url;
  const [, scheme, rest = ''] = /^([a-z][a-z0-9+.-]*:)\/\/(.*)$/is.exec(url) ?? [];
  if (scheme === undefined) return '(not a URL)';
  const [, authority = '', path = '', after = ''] = /^([^/?#]*)([^?#]*)(.*)$/s.exec(rest) ?? [];
  const host = authority.slice(authority.lastIndexOf('@') + 1);
  if ((path + after).includes('@') || !HOST.test(host)) return `${scheme}//…`;
  return `${scheme}//${host}${path}`;
}

/** Hosts with their ports; databases may have several. */
const HOST = /^(?:(?:[\w.-]*|\[[\da-f:.%\w]*\])(?::\d*)?(?:,|$))*$/i;
