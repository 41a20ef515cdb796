import { fromStore } from '@holdfast/core/engine';
import type { Store } from '@holdfast/core/store';
import {
  HoldfastError,
  isAnonymous,
  type NewToken,
  type Principal,
  type Role,
  type TokenInfo,
  type TokenLimits,
  type TokenRecord,
} from '@holdfast/protocol';
import { deleteTokens, pagesOfTokens, tokensToDelete } from './ended-tokens.ts';
import { replacedSecrets } from './replaced-secrets.ts';
import { excessOf, requireNoLonger } from './token-grants.ts';
import {
  infoOf,
  isTokenId,
  keyOfToken,
  readableToken,
  type StoredToken,
  TOKEN_CATEGORY,
  tokenOf,
  valueOfToken,
} from './token-record.ts';
import { newTokenId, newTokenText, parseTokenText } from './token-text.ts';

/** The part of a store that keeps tokens. */
export type TokenStore = Pick<Store, 'kvGet' | 'kvPut' | 'kvDelete' | 'kvScan' | 'nowMs'>;

/** What a new token may do. */
export interface TokenGrant {
  readonly name: string;
  readonly role: Role;
  readonly namespaces?: readonly string[] | undefined;
  readonly expiresInMs?: number | undefined;
  readonly limits?: TokenLimits | undefined;
}

const MAX_ROUNDS = 20;

/**
 * The API tokens of a store, as versioned key-values. Only the hash of a token's text is stored.
 *
 * T1  A principal creates, sees and changes only tokens that may do no more than itself. It
 *     receives no text that is valid for longer than itself; but it may revoke tokens that are.
 * T2  A change is conditional on the version that it is based on, so that no change of another node
 *     is lost: a revoked token stays revoked.
 */
export class TokenBook {
  readonly #store: TokenStore;
  readonly #onChange = new Set<(id: string) => void>();

  constructor(store: TokenStore) {
    this.#store = store;
  }

  /** Calls `listener` after each change of a token by this node. */
  onChange(listener: (id: string) => void): void {
    this.#onChange.add(listener);
  }

  /**
   * Creates a token. Throws `forbidden` if it could do more than its creator or outlive it, and
   * `too_large` if there are too many tokens.
   */
  async create(creator: Principal, grant: TokenGrant): Promise<NewToken> {
    const namespaces = grant.namespaces ?? creator.namespaces;
    const scope = { role: grant.role, ...(namespaces !== undefined && { namespaces: [...new Set(namespaces)] }) };
    const excess = excessOf(creator, scope);
    if (excess !== undefined) throw new HoldfastError('forbidden', `a token cannot have ${excess}`);
    const nowMs = await fromStore(() => this.#store.nowMs());
    const expiresAtMs = grant.expiresInMs === undefined ? creator.grantsUntilMs : nowMs + grant.expiresInMs;
    requireNoLonger(creator, expiresAtMs);
    const ended = await tokensToDelete(this.#store, nowMs);
    const id = newTokenId();
    const token: TokenRecord = {
      format: 1,
      name: grant.name,
      ...scope,
      ...(grant.limits !== undefined && { limits: grant.limits }),
      hash: '',
      createdAtMs: nowMs,
      createdBy: isAnonymous(creator) ? '' : creator.id,
      ...(expiresAtMs !== undefined && { expiresAtMs }),
    };
    const created = await this.#insert(id, newTokenText(id), token);
    await deleteTokens(this.#store, ended);
    return created;
  }

  /**
   * Creates the first token of a store, with the role admin. Resolves to undefined if there is one
   * already, whichever node created it.
   */
  async createFirst(id: string, text: string): Promise<NewToken | undefined> {
    const nowMs = await fromStore(() => this.#store.nowMs());
    const token: TokenRecord = { format: 1, name: id, role: 'admin', hash: '', createdAtMs: nowMs, createdBy: '' };
    const hashed = { ...token, hash: hashOf(text) };
    // The outcome of a put may be lost with its connection: then the stored hash shows it.
    const outcome = await fromStore(() => this.#store.kvPut(keyOfToken(id), valueOfToken(hashed), 0));
    if (outcome === 'conflict' && (await this.get(id))?.hash !== hashed.hash) return undefined;
    return { ...infoOf({ ...hashed, id, version: 1 }), token: text };
  }

  /** Whether the store has any token, also a revoked one. */
  async isEmpty(): Promise<boolean> {
    const { items } = await fromStore(() => this.#store.kvScan({ ...TOKEN_CATEGORY, limit: 1 }));
    return items.length === 0;
  }

  /** Whether a token that is valid now has the role admin in all namespaces. */
  async hasAdmin(): Promise<boolean> {
    const nowMs = await fromStore(() => this.#store.nowMs());
    const isAdmin = ({ role, namespaces, revokedAtMs, expiresAtMs = Infinity }: StoredToken): boolean =>
      role === 'admin' && namespaces === undefined && revokedAtMs === undefined && expiresAtMs > nowMs;
    for await (const items of pagesOfTokens(this.#store)) if (items.flatMap(readableToken).some(isAdmin)) return true;
    return false;
  }

  /** Reads one token; undefined if there is none. Throws `unavailable` if it cannot be read. */
  async get(id: string): Promise<StoredToken | undefined> {
    const stored = await fromStore(() => this.#store.kvGet(keyOfToken(id)));
    return stored === undefined ? undefined : tokenOf(stored);
  }

  /** One page of the tokens that the principal may see. */
  async list(
    reader: Principal,
    query: { readonly cursor?: string; readonly limit: number },
  ): Promise<{ readonly items: TokenInfo[]; readonly next: string | null }> {
    const { items, next } = await fromStore(() => this.#store.kvScan({ ...TOKEN_CATEGORY, ...query }));
    const readable = items.flatMap(readableToken).filter((token) => excessOf(reader, token) === undefined);
    return { items: readable.map(infoOf), next };
  }

  /**
   * Gives a token a new secret. With an overlap, the present one stays valid for that time, and
   * earlier ones for what was promised; without, they are invalid at once.
   *
   * Throws `not_found`, `forbidden` if the token outlives its caller, and `refused` if it has ended
   * or has too many secrets.
   */
  async rotate(caller: Principal, id: string, overlapMs: number): Promise<NewToken> {
    const text = newTokenText(id);
    const token = await this.#change(caller, id, (current, nowMs) => {
      if (current.revokedAtMs !== undefined)
        throw new HoldfastError('refused', `the token ${id} is revoked; create another one`);
      if (current.expiresAtMs !== undefined && current.expiresAtMs <= nowMs)
        throw new HoldfastError('refused', `the token ${id} has expired; create another one`);
      requireNoLonger(caller, current.expiresAtMs);
      return {
        ...current,
        hash: hashOf(text),
        rotatedAtMs: nowMs,
        previous: replacedSecrets(current, nowMs, overlapMs),
      };
    });
    return { ...infoOf(token), token: text };
  }

  /** Revokes a token. Repetition is not an error. Throws `not_found`. */
  async revoke(caller: Principal, id: string): Promise<void> {
    await this.#change(caller, id, (current, nowMs) => ({ ...current, revokedAtMs: current.revokedAtMs ?? nowMs }));
  }

  /** Records the use of a token, unless another change comes first. */
  async used(token: StoredToken, nowMs: number): Promise<void> {
    const { id, version } = token;
    await fromStore(() => this.#store.kvPut(keyOfToken(id), valueOfToken({ ...token, lastUsedAtMs: nowMs }), version));
  }

  async #insert(id: string, text: string, token: TokenRecord): Promise<NewToken> {
    const hashed = { ...token, hash: hashOf(text) };
    await fromStore(() => this.#store.kvPut(keyOfToken(id), valueOfToken(hashed), 0));
    this.#changed(id);
    return { ...infoOf({ ...hashed, id, version: 1 }), token: text };
  }

  async #change(
    caller: Principal,
    id: string,
    change: (current: StoredToken, nowMs: number) => TokenRecord,
  ): Promise<StoredToken> {
    if (!isTokenId(id)) throw noSuchToken(id);
    const nowMs = await fromStore(() => this.#store.nowMs());
    for (let round = 0; round < MAX_ROUNDS; round++) {
      const current = await this.get(id);
      if (current === undefined || excessOf(caller, current) !== undefined) throw noSuchToken(id);
      const next = change(current, nowMs);
      const outcome = await fromStore(() => this.#store.kvPut(keyOfToken(id), valueOfToken(next), current.version));
      if (outcome === 'applied') {
        this.#changed(id);
        return { ...next, id, version: current.version + 1 };
      }
    }
    throw new HoldfastError('overloaded', `the token ${id} is being changed by others; repeat the request`);
  }

  #changed(id: string): void {
    for (const listener of this.#onChange) listener(id);
  }
}

const hashOf = (text: string): string => {
  const parsed = parseTokenText(text);
  if (parsed === undefined) throw new HoldfastError('invalid', 'this is not the text of a token');
  return parsed.hash.toString('hex');
};

const noSuchToken = (id: string): HoldfastError =>
  new HoldfastError('not_found', `there is no token with the ID ${id.slice(0, 16)}`, { field: ['id'] });
