import type { BranchRequest } from '@holdfast/core';
import { type BranchResult, secretsOfHeaders, withoutSecrets } from '@holdfast/protocol';
import type { HttpTarget } from './branch-target.ts';

/** Whether a request carries something that must not come back as a reason: headers, or an account in its URL. */
export function isSentWithSecrets({ headers }: BranchRequest, { authorization }: HttpTarget): boolean {
  if (authorization !== '') return true;
  for (const name in headers) if (Object.hasOwn(headers, name)) return true;
  return false;
}

/** A result whose reason has none of the secrets of the request: a participant may echo what it was sent. */
export function withoutSecretsOf(
  { headers }: BranchRequest,
  { authorization }: HttpTarget,
  result: BranchResult,
): BranchResult {
  if (result.reason === '') return result;
  const known = secretsSent({ ...headers, ...(authorization !== '' && { authorization }) });
  return { ...result, reason: withoutCutSecret(withoutSecrets(result.reason, known), known) };
}

/** The secrets of these headers, as they are and as a participant may encode them. The longest come first: some contain others. */
function secretsSent(headers: Readonly<Record<string, string>>): readonly string[] {
  const plain = secretsOfHeaders(headers).flatMap((secret) => [secret, ...accountIn(secret)]);
  const known = new Set(
    plain.flatMap((secret) => [secret, encodeURIComponent(wellFormed(secret)), ...inBase64(secret)]),
  );
  return [...known].toSorted((a, b) => b.length - a.length);
}

/** The account of a basic authorization, and its password. */
function accountIn(secret: string): readonly string[] {
  const [, encoded] = /^basic\s+([\w+/=-]+)$/i.exec(secret) ?? [];
  if (encoded === undefined) return [];
  const account = Buffer.from(encoded, 'base64').toString();
  return [account, account.slice(account.indexOf(':') + 1)];
}

/** `encodeURIComponent` throws at half a surrogate pair. */
const wellFormed = (text: string): string => Buffer.from(text).toString();

/** Shorter parts of a base64 text may be in any other. */
const SHORTEST_ENCODED = 8;

/**
 * What every base64 text contains that encodes a text with this secret: three forms, since four characters stand for
 * three bytes, each without the characters at its ends that depend on what is around the secret; and those of base64url.
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

/** A reason that was cut may end in the middle of a secret. */
function withoutCutSecret(reason: string, known: readonly string[]): string {
  if (!reason.endsWith('…')) return reason;
  for (const secret of known)
    for (let length = secret.length - 1; length >= 4; length--)
      if (reason.endsWith(`${secret.slice(0, length)}…`)) return `${reason.slice(0, -length - 1)}***…`;
  return reason;
}
