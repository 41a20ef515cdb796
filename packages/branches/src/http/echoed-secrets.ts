import type { BranchRequest } from '@holdfast/core';
import { type BranchResult, MAX_REASON_LENGTH, secretsOfHeaders, withoutSecrets } from '@holdfast/protocol';
import { turns } from '../event-loop/shared-turns.ts';
import type { BranchInterceptor, BranchTarget } from '../registry/branch-protocol.ts';

/**
 * Removes the secrets of a request from its result. Most calls carry no secret, so their results
 * need not be searched for one; a function of this process does not send its result anywhere.
 */
export const hideEchoedSecrets: BranchInterceptor = (next, protocol) =>
  protocol.isInProcess === true
    ? next
    : (request, target) => {
        const called = next(request, target);
        return isSentWithSecrets(request, target)
          ? called.then((result) => withoutSecretsInTurn(request, target, result))
          : called;
      };

/** Many calls with long secrets and reasons may end in one turn of the event loop. */
async function withoutSecretsInTurn(
  request: BranchRequest,
  target: BranchTarget,
  result: BranchResult,
): Promise<BranchResult> {
  if (result.reason === '') return result;
  if (turns.isSpent) await turns.next();
  return withoutSecretsOf(request, target, result);
}

/** Removes these secrets from a result, in whatever header they were sent. */
export async function hidden(result: BranchResult, secrets: readonly string[]): Promise<BranchResult> {
  if (result.reason === '') return result;
  if (turns.isSpent) await turns.next();
  return withoutKnown(result, formsOfSecrets(secrets));
}

/**
 * Whether a request contains secrets that a reason must not repeat: headers, or an account in its
 * URL.
 */
function isSentWithSecrets({ headers }: BranchRequest, { authorization = '' }: BranchTarget): boolean {
  if (authorization !== '') return true;
  for (const name in headers) if (Object.hasOwn(headers, name)) return true;
  return false;
}

/**
 * Removes the secrets of the request from a result's reason: a participant may echo its request.
 */
export function withoutSecretsOf(
  { headers }: BranchRequest,
  { authorization = '' }: BranchTarget,
  result: BranchResult,
): BranchResult {
  if (result.reason === '') return result;
  const sent = formsOf(headers);
  const known = authorization === '' ? sent : longestFirst([...sent, ...secretsSent({ authorization })]);
  return withoutKnown(result, known);
}

const withoutKnown = (result: BranchResult, known: readonly string[]): BranchResult => ({
  ...result,
  reason: withoutCutSecret(withoutSecrets(result.reason, known), known),
});

type Headers = Readonly<Record<string, string>>;

/** Number of transactions whose secrets are cached: calls of one transaction often end together. */
const REMEMBERED = 32;

const remembered = new Map<Headers, readonly string[]>();

/** `secretsSent` of a transaction's headers, cached for its calls that end together. */
function formsOf(headers: Headers): readonly string[] {
  const before = remembered.get(headers);
  if (before !== undefined) return before;
  const forms = secretsSent(headers);
  if (remembered.size >= REMEMBERED) remembered.clear();
  remembered.set(headers, forms);
  return forms;
}

const secretsSent = (headers: Headers): readonly string[] => formsOfSecrets(secretsOfHeaders(headers));

/**
 * These secrets, unchanged and in the encodings that a participant may use. Longest first, since
 * some contain others.
 */
function formsOfSecrets(secrets: readonly string[]): readonly string[] {
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

const longestFirst = (forms: readonly string[]): readonly string[] =>
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
