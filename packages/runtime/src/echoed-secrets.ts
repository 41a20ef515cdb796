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
  const known = secretsOfHeaders({ ...headers, ...(authorization !== '' && { authorization }) });
  if (authorization !== '') known.push(passwordIn(authorization));
  return { ...result, reason: withoutCutSecret(withoutSecrets(result.reason, known), known) };
}

const passwordIn = (authorization: string): string => {
  const account = Buffer.from(authorization.slice('Basic '.length), 'base64').toString();
  return account.slice(account.indexOf(':') + 1);
};

/** A reason that was cut may end in the middle of a secret. */
function withoutCutSecret(reason: string, known: readonly string[]): string {
  if (!reason.endsWith('…')) return reason;
  for (const secret of known)
    for (let length = secret.length - 1; length >= 4; length--)
      if (reason.endsWith(`${secret.slice(0, length)}…`)) return `${reason.slice(0, -length - 1)}***…`;
  return reason;
}
