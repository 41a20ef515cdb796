import type { BranchRequest } from '@holdfast/core';
import { type BranchResult, formsOfSecrets, longestFirst, secretsOfHeaders, withoutForms } from '@holdfast/protocol';
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
  return withoutForms(result, known);
}

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

/** The secrets that replaced references in headers of any name, by the headers of the call. */
const resolved = new WeakMap<Headers, readonly string[]>();

/**
 * Marks secrets in the headers of a call. They are hidden together with the others: of secrets with
 * the same end, the one that is hidden first would leave the beginning of the other.
 */
export const markSecrets = (headers: Headers, secrets: readonly string[]): void => void resolved.set(headers, secrets);

const secretsSent = (headers: Headers): readonly string[] =>
  formsOfSecrets([...secretsOfHeaders(headers), ...(resolved.get(headers) ?? [])]);
