import { namespaceFault } from '@holdfast/protocol';

/** Who calls, and where: options of `connect`. */
export interface CallerOptions {
  /**
   * The API token that proves who calls, or a function that returns it, called for each request: so
   * a rotated token is used without a restart.
   */
  readonly token?: string | (() => string);
  /**
   * The namespace in which the calls act. Default: the only namespace of the token, or `default`.
   */
  readonly namespace?: string;
}

/** The fields of a request that only these options determine, in lower case. */
const FIELDS = ['authorization', 'holdfast-namespace'] as const;
/** What a header field and metadata can have; the text of a token has fewer kinds. */
const TOKEN = /^[\x21-\x7e]+$/;

/**
 * Returns the function that gives the header fields, or the metadata, of the next request. No error
 * contains the token.
 *
 * @param headers the application's headers, which must not determine the same fields
 * @throws {TypeError} the options are wrong or contradict the headers
 */
export function callerFields(
  { token, namespace }: CallerOptions,
  headers: Readonly<Record<string, string>>,
): () => Readonly<Record<string, string>> {
  const names = Object.keys(headers).map((name) => name.toLowerCase());
  const given = { authorization: token, 'holdfast-namespace': namespace };
  for (const field of FIELDS)
    if (given[field] !== undefined && names.includes(field))
      throw new TypeError(
        `connect(): ${field === 'authorization' ? 'token' : 'namespace'} and the header ${field} contradict each other; leave one out`,
      );
  if (namespace !== undefined) requireNamespace(namespace);
  const fixed: Readonly<Record<string, string>> = namespace === undefined ? {} : { 'holdfast-namespace': namespace };
  if (token === undefined) return () => fixed;
  if (typeof token === 'function') return () => ({ authorization: bearer(token()), ...fixed });
  const always = { authorization: bearer(token), ...fixed };
  return () => always;
}

/** A line break at the end, as of a file, does not belong to the token. */
function bearer(token: unknown): string {
  const text = typeof token === 'string' ? token.trim() : '';
  if (!TOKEN.test(text))
    throw new TypeError('connect(): token must be the text of an API token, or a function that returns one');
  return `Bearer ${text}`;
}

function requireNamespace(namespace: unknown): void {
  const fault = typeof namespace === 'string' ? namespaceFault(namespace) : 'must be a text';
  if (fault !== undefined) throw new TypeError(`connect(): namespace ${fault}`);
}
