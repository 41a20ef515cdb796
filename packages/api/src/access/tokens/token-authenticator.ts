import { HoldfastError, type Principal } from '@holdfast/protocol';
import { untilDeadline } from '../../calls/deadline.ts';
import type { Authenticator, Credentials } from '../authenticator.ts';
import { LONGEST_AUTHORIZATION, presentedBy } from '../authorization.ts';
import type { FailedLogins, LoginFailure } from '../failed-logins.ts';
import type { TokenBook } from './token-book.ts';
import { TokenLookup, type TokenRead } from './token-lookup.ts';
import { MOST_PREVIOUS, principalOfToken, type StoredToken } from './token-record.ts';
import { isSameHash, parseTokenText, type TokenText } from './token-text.ts';

export interface TokenAuthenticatorOptions {
  readonly tokens: TokenBook;
  readonly logins: FailedLogins;
  /** Milliseconds since the epoch, with which expiry is compared. */
  readonly nowMs?: () => number;
  /** Milliseconds of a monotonic clock. */
  readonly monotonicMs?: () => number;
  /** How long the store may take to return a token; 5,000 by default. */
  readonly longestReadMs?: number;
}

/** A change by another node takes effect here within this time. */
export const TOKEN_CHANGE_MS = 5_000;
/** A token in use is read again after this time, while requests still use the previous read. */
const REFRESH_MS = 2_500;
/** After a read that failed. */
const REPEAT_MS = 500;
/** Verified texts that are remembered. */
const MOST_VERIFIED = 1_000;
/** The last use of a token is stored at most this often by each node. */
const USED_MS = 60_000;

/** A text of `Authorization` that was verified. */
interface Verified {
  readonly id: string;
  readonly principal: Principal;
  /** Until when it is used, by the monotonic clock. */
  readonly untilMs: number;
  refreshMs: number;
}

/** What a comparison costs is the same for a token that does not exist. */
const NO_HASH = '0'.repeat(64);
const REJECTED = 'the API token is not valid; check that it was copied completely, or have an administrator create one';

/**
 * Authenticates callers by API tokens.
 *
 * A1  A token that was revoked, or whose secret was replaced, is rejected: on the node that changed
 *     it at once, on the others within `TOKEN_CHANGE_MS`.
 * A2  If the store cannot be read, a token is accepted for at most that time after its last read,
 *     and then rejected as `unavailable`: its caller repeats the request.
 * A3  A caller without the right secret cannot distinguish unknown, wrong, revoked and expired
 *     tokens, neither by text nor by time.
 * A4  A text that another node has created is accepted at once, whatever this node has read before.
 */
export class TokenAuthenticator implements Authenticator {
  readonly #options: TokenAuthenticatorOptions;
  readonly #nowMs: () => number;
  readonly #monotonicMs: () => number;
  readonly #lookup: TokenLookup;
  /** By the text of `Authorization`. */
  readonly #verified = new Map<string, Verified>();
  /** Number of changes of tokens by this node. */
  #changes = 0;
  /** When the use of a token was last stored by this node. */
  readonly #used = new Map<string, number>();

  constructor(options: TokenAuthenticatorOptions) {
    this.#options = options;
    this.#nowMs = options.nowMs ?? Date.now;
    this.#monotonicMs = options.monotonicMs ?? (() => performance.now());
    this.#lookup = new TokenLookup(options.tokens, this.#monotonicMs, options.longestReadMs);
    options.tokens.onChange((id) => this.#forget(id));
  }

  authenticate(credentials: Credentials): Principal | Promise<Principal> {
    const { authorization } = credentials;
    if (authorization === undefined)
      return this.#fail(
        'missing',
        'the request has no credentials; send a token: commands with --token-file or HOLDFAST_TOKEN, the SDK with the option token, others in the header Authorization (Bearer TOKEN)',
        credentials,
      );
    const verified = this.#verified.get(authorization);
    if (verified !== undefined) {
      const nowMs = this.#monotonicMs();
      if (nowMs < verified.untilMs) {
        if (nowMs >= verified.refreshMs) this.#refresh(authorization, verified);
        return verified.principal;
      }
    }
    return this.#presented(authorization, credentials);
  }

  #presented(authorization: string, from: Credentials): Promise<Principal> {
    const presented = presentedBy(authorization);
    if (presented.kind === 'malformed') return this.#fail('malformed', `Authorization ${presented.fault}`, from);
    const token = parseTokenText(presented.text);
    if (token === undefined) return this.#fail('rejected', REJECTED, from);
    return this.#verify(authorization, token, from);
  }

  async #verify(authorization: string, presented: TokenText, from: Credentials): Promise<Principal> {
    const { id } = presented;
    const { token, readMs } = await this.#readFor(presented, from.deadlineMs);
    const nowMs = this.#nowMs();
    const secretUntilMs = secretValidUntil(token, presented);
    if (token === undefined || secretUntilMs === undefined) return this.#fail('rejected', REJECTED, from);
    const { expiresAtMs = Infinity } = token;
    if (token.revokedAtMs !== undefined) return this.#fail('revoked', `the API token ${id} was revoked`, from);
    if (expiresAtMs <= nowMs) return this.#fail('expired', `the API token ${id} has expired`, from);
    if (secretUntilMs <= nowMs)
      return this.#fail(
        'replaced',
        `this text of the API token ${id} was replaced by a rotation; use the new text`,
        from,
      );
    const validUntilMs = Math.min(secretUntilMs, expiresAtMs);
    const principal = principalOfToken(token);
    this.#remember(authorization, {
      id,
      principal,
      untilMs: Math.min(readMs + TOKEN_CHANGE_MS, this.#monotonicMs() + validUntilMs - nowMs),
      refreshMs: readMs + REFRESH_MS,
    });
    this.#noteUse(token, nowMs);
    return principal;
  }

  /**
   * Reads a token. If an earlier read does not have the presented secret, the token is read again.
   * This also applies to a token that does not exist, so that it takes the same time.
   */
  async #readFor(presented: TokenText, deadlineMs: number | undefined): Promise<TokenRead> {
    const arrivedMs = this.#monotonicMs();
    const read = await this.#read(() => this.#lookup.read(presented.id), deadlineMs);
    if (read.readMs >= arrivedMs || secretValidUntil(read.token, presented) !== undefined) return read;
    return this.#read(() => this.#lookup.readAgain(presented.id), deadlineMs);
  }

  /** Reads a token as it is after every change that this node has made. */
  async #read(lookUp: () => Promise<TokenRead>, deadlineMs: number | undefined): Promise<TokenRead> {
    for (;;) {
      const changes = this.#changes;
      let read: TokenRead;
      try {
        read = await untilDeadline(lookUp(), deadlineMs);
      } catch (thrown) {
        const cause = HoldfastError.from(thrown);
        if (cause.code === 'overloaded' || cause.code === 'deadline_exceeded') throw cause;
        // The store's text may contain addresses, and the caller is not authenticated.
        const fault = 'the API token cannot be checked now; repeat the request';
        throw new HoldfastError('unavailable', fault, { cause });
      }
      if (changes === this.#changes) return read;
    }
  }

  #remember(authorization: string, verified: Verified): void {
    if (authorization.length > LONGEST_AUTHORIZATION) return;
    this.#verified.delete(authorization);
    this.#verified.set(authorization, verified);
    const [oldest] = this.#verified.keys();
    if (this.#verified.size > MOST_VERIFIED && oldest !== undefined) this.#verified.delete(oldest);
  }

  /** Reads a token in use again, without delaying its requests. */
  #refresh(authorization: string, verified: Verified): void {
    verified.refreshMs = Infinity;
    const presented = presentedBy(authorization);
    const token = presented.kind === 'token' ? parseTokenText(presented.text) : undefined;
    if (token === undefined) return;
    // Its caller is not delayed, and has not failed to log in.
    this.#verify(authorization, token, { isInProgress: true }).catch((thrown: unknown) => {
      if (this.#verified.get(authorization) !== verified) return;
      if (HoldfastError.from(thrown).code === 'unauthenticated') this.#verified.delete(authorization);
      else verified.refreshMs = this.#monotonicMs() + REPEAT_MS;
    });
  }

  #forget(id: string): void {
    this.#changes++;
    this.#lookup.forget(id);
    for (const [authorization, verified] of this.#verified)
      if (verified.id === id) this.#verified.delete(authorization);
  }

  #noteUse(token: StoredToken, nowMs: number): void {
    const { id, lastUsedAtMs = 0 } = token;
    if (nowMs - Math.max(lastUsedAtMs, this.#used.get(id) ?? 0) < USED_MS) return;
    this.#used.delete(id);
    this.#used.set(id, nowMs);
    const [oldest] = this.#used.keys();
    if (this.#used.size > MOST_VERIFIED && oldest !== undefined) this.#used.delete(oldest);
    // A use that cannot be stored is stored with a later one.
    this.#options.tokens.used(token, nowMs).catch(() => this.#used.delete(id));
  }

  #fail(reason: LoginFailure, message: string, from: Credentials): Promise<never> {
    return this.#options.logins.reject(reason, message, from);
  }
}

/**
 * Until when the presented secret of a token is valid, by the time of day, apart from the expiry of
 * the token; undefined: it is not one of its secrets. The number of comparisons is always the same.
 */
function secretValidUntil(token: StoredToken | undefined, { hash }: TokenText): number | undefined {
  let untilMs = isSameHash(hash, token?.hash ?? NO_HASH) ? Infinity : undefined;
  for (let at = 0; at < MOST_PREVIOUS; at++) {
    const previous = token?.previous?.[at];
    if (isSameHash(hash, previous?.hash ?? NO_HASH)) untilMs ??= previous?.validUntilMs;
  }
  return untilMs;
}
