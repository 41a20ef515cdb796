/*
 * A participant may repeat in its response what it received. The reason of a result, which is
 * stored, shown and logged, must not contain the secrets of the request in any encoding.
 */

import { type BranchResult, MAX_REASON_LENGTH } from './result.ts';
import { withoutSecrets } from './secrets.ts';

/** The result without these forms of secrets, see `formsOfSecrets`. */
export const withoutForms = (result: BranchResult, forms: readonly string[]): BranchResult => ({
  ...result,
  reason: withoutCutSecret(withoutSecrets(result.reason, forms), forms),
});

/**
 * These secrets, unchanged and in the encodings that a participant may use. Longest first, since
 * some contain others.
 */
export function formsOfSecrets(secrets: readonly string[]): readonly string[] {
  const plain = secrets
    .flatMap((secret) => [secret, ...accountIn(secret)])
    // A reason cannot contain a secret longer than itself, but may end with its beginning.
    .map((secret) => secret.slice(0, MAX_REASON_LENGTH + 1));
  const known = plain.flatMap((secret) => [
    ...[secret, ...inJson(secret)].flatMap((form) => [form, ...restOf(form)]),
    encodeURIComponent(wellFormed(secret)),
    ...inBase64(secret),
  ]);
  return longestFirst(known);
}

/** Each form once. */
export const longestFirst = (forms: readonly string[]): readonly string[] =>
  [...new Set(forms)].toSorted((a, b) => b.length - a.length);

/** A text inside a JSON string, and inside a JSON string that is itself in JSON text. */
function inJson(secret: string): readonly string[] {
  const once = escaped(secret);
  // Some libraries escape more characters than necessary.
  const more = [once.replaceAll('/', String.raw`\/`), once.replace(/[<>&]|[^ -~]/g, asUnicodeEscape)];
  return [once, ...more].flatMap((form) => [form, escaped(form)]);
}

const escaped = (text: string): string => JSON.stringify(text).slice(1, -1);

const asUnicodeEscape = (unit: string): string => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`;

/**
 * The rest of a form whose beginning was hidden as a field's value: the value ends at the first of
 * these characters.
 */
function restOf(form: string): readonly string[] {
  const from = form.search(/["'\\]/);
  return from > 0 ? [form.slice(from)] : [];
}

/** The account of a basic authorization, and its password. */
function accountIn(secret: string): readonly string[] {
  const [, encoded] = /^basic\s+([\w+/=-]+)$/i.exec(secret) ?? [];
  if (encoded === undefined) return [];
  const account = Buffer.from(encoded, 'base64').toString();
  return [account, account.slice(account.indexOf(':') + 1)];
}

/** `encodeURIComponent` throws for unpaired surrogates. */
const wellFormed = (text: string): string => Buffer.from(text).toString();

/** Shorter parts of a base64 text may occur in any other. */
const SHORTEST_ENCODED = 8;

/**
 * The parts of base64 text that every text containing this secret has in common: three forms, since
 * four characters encode three bytes, each without the characters at its ends that depend on the
 * neighbouring text; also in base64url.
 */
function inBase64(secret: string): readonly string[] {
  const bytes = Buffer.from(secret);
  const forms = [0, 1, 2].map((before) => {
    const text = Buffer.concat([Buffer.alloc(before), bytes]).toString('base64');
    return text.slice(Math.ceil((before * 8) / 6), Math.floor(((before + bytes.length) * 8) / 6));
  });
  return forms
    .flatMap((form) => [form, form.replaceAll('+', '-').replaceAll('/', '_')])
    .filter((form) => form.length >= SHORTEST_ENCODED);
}

/** Shorter beginnings of a secret may end any text. */
const SHORTEST_BEGINNING = 4;

/** Hides the beginning of a secret at the end of a reason that was cut. */
function withoutCutSecret(reason: string, known: readonly string[]): string {
  if (!reason.endsWith('…')) return reason;
  const text = reason.slice(0, -1);
  for (const secret of known) {
    const at = beginningAtEnd(text, secret);
    if (at !== -1) return `${text.slice(0, at)}***…`;
  }
  return reason;
}

/**
 * Position of the longest beginning of a secret with which a text ends; -1 if there is none. Linear
 * time (Knuth, Morris, Pratt), whatever a participant responds.
 */
function beginningAtEnd(text: string, secret: string): number {
  const length = Math.min(secret.length - 1, text.length);
  if (!text.includes(secret.slice(0, SHORTEST_BEGINNING), text.length - length)) return -1;
  const shorter = new Uint16Array(length);
  let same = 0;
  for (let at = 1; at < length; at++) {
    while (same > 0 && secret[at] !== secret[same]) same = shorter[same - 1] ?? 0;
    if (secret[at] === secret[same]) same++;
    shorter[at] = same;
  }
  same = 0;
  for (let at = text.length - length; at < text.length; at++) {
    while (same > 0 && text[at] !== secret[same]) same = shorter[same - 1] ?? 0;
    if (text[at] === secret[same]) same++;
  }
  return same >= SHORTEST_BEGINNING ? text.length - same : -1;
}
