import {
  type BranchResult,
  formsOfSecrets,
  refersToSecrets,
  type ResolvedHeaders,
  resolveSecrets,
  type SecretFault,
  secretFaultOf,
  type SecretFound,
  secretNameFault,
  secretsOfHeaders,
  secretValueFault,
  textOfThrown,
  withoutForms,
} from '@holdfast/protocol';

/**
 * The secrets that `branchHeaders` may name (`secret:NAME`): texts by name, or a function that
 * returns the present text, called for each call of a branch, or undefined for an unknown name. A
 * line break at the end, as of a file, does not belong to the secret. If the function throws, the
 * secret is missing: the call is not made, and its result is unknown.
 */
export type Secrets = Readonly<Record<string, string>> | ((name: string) => string | undefined);

type Headers = Readonly<Record<string, string>>;

/** Resolves references to secrets in the headers of calls. */
export class InitiatorSecrets {
  readonly #of: ((name: string) => unknown) | undefined;
  readonly #where: string;

  /**
   * @param where begins the texts of errors: `connect()` or `embed()`
   * @throws {TypeError} the secrets are neither texts by name nor a function
   */
  constructor(secrets: Secrets | undefined, where: string) {
    this.#where = where;
    if (secrets === undefined || typeof secrets === 'function') {
      this.#of = secrets;
      return;
    }
    if (typeof secrets !== 'object' || (secrets as unknown) === null || Array.isArray(secrets))
      throw new TypeError(`${where}: secrets must be texts by name, or a function that returns a text`);
    const texts = new Map<string, unknown>(Object.entries(secrets));
    this.#of = (name) => texts.get(name);
    for (const name of texts.keys()) {
      const why = secretNameFault(name);
      if (why !== undefined) throw new TypeError(`${where}: secrets: the name ${JSON.stringify(name)} ${why}`);
      const found = this.find(name);
      if (found.kind === 'none') throw new TypeError(`${where}: secrets: ${name} ${found.why}`);
    }
  }

  /** The present text of a secret, or why there is none: a text that follows its name. */
  find(name: string): SecretFound {
    const none = (why: string): SecretFound => ({ kind: 'none', why });
    if (this.#of === undefined) return none(`names a secret, and ${this.#where} has no option secrets`);
    let text: unknown;
    try {
      text = this.#of(name);
    } catch (thrown) {
      return none(`cannot be read: the secrets of ${this.#where} threw an error: ${textOfThrown(thrown)}`);
    }
    if (text === undefined) return none(`is not among the secrets of ${this.#where}`);
    if (typeof text !== 'string') return none(`is not a text in the secrets of ${this.#where}`);
    const value = text.replace(/\r?\n$/, '');
    const fault = secretValueFault(value);
    return fault === undefined ? { kind: 'secret', value } : none(`cannot be sent: ${fault}`);
  }

  /** The header that cannot be sent at present; undefined: there is none. */
  faultOf(headers: Headers): SecretFault | undefined {
    return secretFaultOf(headers, (name) => this.find(name));
  }

  /** The headers of one call. */
  resolved(headers: Headers): ResolvedHeaders {
    return refersToSecrets(headers)
      ? resolveSecrets(headers, (name) => this.find(name))
      : { kind: 'resolved', headers, secrets: [] };
  }
}

/**
 * The result of a call without the secrets of its headers, which the branch may have repeated: its
 * reason becomes an error, and the coordinator stores it.
 *
 * @param secrets those that references were replaced by
 */
export function withoutEchoes(result: BranchResult, headers: Headers, secrets: readonly string[]): BranchResult {
  if (result.reason === '') return result;
  const known = [...secrets, ...secretsOfHeaders(headers)];
  return known.length === 0 ? result : withoutForms(result, formsOfSecrets(known));
}
