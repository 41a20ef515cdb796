import { hash } from 'node:crypto';
import {
  type Authenticator,
  type Credentials,
  type FailedLogins,
  LONGEST_AUTHORIZATION,
  untilDeadline,
} from '@holdfast/api';
import { HoldfastError, type Principal } from '@holdfast/protocol';
import type { IssuerKeys } from './issuer-keys.ts';
import type { JwtVerifier, ValidJwt } from './verify-jwt.ts';

export interface JwtAuthenticatorOptions {
  readonly verifier: Pick<JwtVerifier, 'verify'>;
  readonly keys: Pick<IssuerKeys, 'isPublished' | 'onChange'>;
  readonly logins: Pick<FailedLogins, 'mayCheck' | 'reject' | 'rejectUnchecked'>;
  /** Authenticates every other caller. */
  readonly next: Authenticator;
}

/** Valid JWTs that are remembered. */
const MOST_VALID = 10_000;
/** Different JWTs that are verified at once. */
const MOST_VERIFYING = 1_000;
/** Of these, those of one address. More than wait for keys (`IssuerKeys`), and fewer than all. */
const MOST_OF_ADDRESS = 750;
/** Beyond `MOST_VERIFYING`, each address may have a few, so that two addresses cannot take all. */
const FEW_OF_ADDRESS = 8;
const MOST_WITH_FEW = 2_000;

/** API tokens have no dot; a JWT has two. */
const JWT = /^bearer +([^\s,]*\.[^\s,]*) *$/i;

/**
 * Authenticates callers by JWTs, and the others by `next`.
 *
 * J1  A valid JWT is verified once, and remembered by its hash until it expires, or until the
 *     issuer no longer publishes the key that signed it.
 * J2  A JWT is rejected by what it is, never left to `next`: a fault has one explanation.
 * J3  JWTs that one address sends delay those of other addresses little, and remembered ones not at
 *     all: those of an address are verified in turns with those of others and bounded in number,
 *     and after failed logins also in frequency.
 */
export class JwtAuthenticator implements Authenticator {
  readonly #options: JwtAuthenticatorOptions;
  readonly #valid = new Map<string, ValidJwt>();
  readonly #verifying = new Map<string, ReturnType<JwtVerifier['verify']>>();
  /** The number of those by address. */
  readonly #verifyingOf = new Map<string, number>();

  constructor(options: JwtAuthenticatorOptions) {
    this.#options = options;
    const { keys } = options;
    keys.onChange(() => {
      for (const [key, { keyId }] of this.#valid) if (!keys.isPublished(keyId)) this.#valid.delete(key);
    });
  }

  authenticate(credentials: Credentials): Principal | Promise<Principal> {
    const { authorization = '' } = credentials;
    const text = authorization.length > LONGEST_AUTHORIZATION ? undefined : JWT.exec(authorization)?.[1];
    if (text === undefined) return this.#options.next.authenticate(credentials);
    const key = hash('sha256', text, 'base64');
    const valid = this.#valid.get(key);
    if (valid !== undefined && Date.now() < valid.untilMs) return valid.principal;
    return this.#verify(key, text, credentials);
  }

  async #verify(key: string, text: string, credentials: Credentials): Promise<Principal> {
    const { logins } = this.#options;
    const { remoteAddress = '', deadlineMs } = credentials;
    if (!this.#verifying.has(key) && !this.#mayVerify(remoteAddress, credentials))
      return logins.rejectUnchecked(credentials);
    const verified = await untilDeadline(this.#verifyOnce(key, text, remoteAddress), deadlineMs);
    if (verified.kind === 'valid') return verified.principal;
    if (verified.kind === 'forbidden') throw new HoldfastError('forbidden', `the JWT ${verified.fault}`);
    return logins.reject(verified.reason, `the JWT ${verified.fault}`, credentials);
  }

  /** The caller of a stream was admitted before, and is not held up. */
  #mayVerify(address: string, { isInProgress }: Credentials): boolean {
    if (isInProgress === true) return true;
    return (this.#verifyingOf.get(address) ?? 0) < MOST_OF_ADDRESS && this.#options.logins.mayCheck(address);
  }

  #verifyOnce(key: string, text: string, address: string): ReturnType<JwtVerifier['verify']> {
    const verifying = this.#verifying.get(key);
    if (verifying !== undefined) return verifying;
    const ofAddress = this.#verifyingOf.get(address) ?? 0;
    if (this.#verifying.size >= (ofAddress < FEW_OF_ADDRESS ? MOST_WITH_FEW : MOST_VERIFYING))
      throw new HoldfastError('overloaded', 'too many JWTs are being checked at once; repeat the request');
    this.#verifyingOf.set(address, ofAddress + 1);
    const begun = this.#options.verifier
      .verify(text, address)
      .then((verified) => {
        this.#valid.delete(key);
        if (verified.kind === 'valid') this.#remember(key, verified);
        return verified;
      })
      .finally(() => {
        this.#verifying.delete(key);
        this.#left(address);
      });
    this.#verifying.set(key, begun);
    return begun;
  }

  #left(address: string): void {
    const others = (this.#verifyingOf.get(address) ?? 1) - 1;
    if (others === 0) this.#verifyingOf.delete(address);
    else this.#verifyingOf.set(address, others);
  }

  #remember(key: string, verified: ValidJwt): void {
    // The keys may have changed during the verification.
    if (!this.#options.keys.isPublished(verified.keyId)) return;
    this.#valid.set(key, verified);
    const [oldest] = this.#valid.keys();
    if (this.#valid.size > MOST_VALID && oldest !== undefined) this.#valid.delete(oldest);
  }
}
