import { fromStore } from '@holdfast/core/engine';
import type { KeyValue, Store } from '@holdfast/core/store';
import {
  HoldfastError,
  isAnonymous,
  LIMITS,
  type NewToken,
  type Principal,
  type Role,
  ROLES,
  type TokenInfo,
  type TokenRecord,
} from '@holdfast/protocol';
import { highestRole } from '../roles.ts';
import { infoOf, keyOfToken, type StoredToken, TOKEN_CATEGORY, tokenOf, valueOfToken } from './token-record.ts';
import { newTokenId, newTokenText, parseTokenText } from './token-text.ts';

/** The part of a store that keeps tokens. */
export type TokenStore = Pick<Store, 'kvGet' | 'kvPut' | 'kvDelete' | 'kvScan' | 'nowMs'>;

/** What a new token may do. */
export interface TokenGrant {
  readonly name: string;
  readonly role: Role;
  readonly namespaces?: readonly string[] | undefined;
  readonly expiresInMs?: number | undefined;
}

/** Revoked and expired tokens are kept for this long, so that their users learn why they fail. */
const KEPT_MS = 30 * 24 * 3_600_000;
const MAX_ROUNDS = 20;

/**
 * The API tokens of a store, as versioned key-values. Only the hash of a token's text is stored.
 *
 * T1  A principal creates, sees and changes only tokens that may do no more than itself.
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
   * Creates a token. Throws `forbidden` if it could do more than its creator, and `too_large` if
   * there are too many tokens.
   */
  async create(creator: Principal, grant: TokenGrant): Promise<NewToken> {
    const namespaces = grant.namespaces ?? creator.namespaces;
    const scope = { role: grant.role, ...(namespaces !== undefined && { namespaces: [...new Set(namespaces)] }) };
    const excess = excessOf(creator, scope);
    if (excess !== undefined) throw new HoldfastError('forbidden', `a token cannot have ${excess}`);
    const nowMs = await fromStore(() => this.#store.nowMs());
    await this.#makeRoom(nowMs);
    const id = newTokenId();
    const token: TokenRecord = {
      format: 1,
      name: grant.name,
      ...scope,
      hash: '',
      createdAtMs: nowMs,
      createdBy: isAnonymous(creator) ? '' : creator.id,
      ...(grant.expiresInMs !== undefined && { expiresAtMs: nowMs + grant.expiresInMs }),
    };
    return this.#insert(id, newTokenText(id), token);
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

  /** Gives a token a new secret. Throws `not_found`, `refused` (revoked or expired). */
  async rotate(caller: Principal, id: string, overlapMs: number): Promise<NewToken> {
    const text = newTokenText(id);
    const token = await this.#change(caller, id, (current, nowMs) => {
      if (current.revokedAtMs !== undefined)
        throw new HoldfastError('refused', `the token ${id} is revoked; create another one`);
      if (current.expiresAtMs !== undefined && current.expiresAtMs <= nowMs)
        throw new HoldfastError('refused', `the token ${id} has expired; create another one`);
      const { previous: _, ...rest } = current;
      const previous = { hash: current.hash, validUntilMs: nowMs + overlapMs };
      return { ...rest, hash: hashOf(text), rotatedAtMs: nowMs, ...(overlapMs > 0 && { previous }) };
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
    if (!/^[0-9a-z]{1,16}$/.test(id)) throw noSuchToken(id);
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

  /** Deletes tokens that ended long ago. Throws `too_large` if there is still no room for one. */
  async #makeRoom(nowMs: number): Promise<void> {
    let count = 0;
    let cursor: string | undefined;
    do {
      const query = { ...TOKEN_CATEGORY, limit: LIMITS.pageSize, ...(cursor !== undefined && { cursor }) };
      const { items, next } = await fromStore(() => this.#store.kvScan(query));
      for (const item of items) {
        const [token] = readableToken(item);
        const endedMs = token?.revokedAtMs ?? token?.expiresAtMs;
        const isOver = endedMs !== undefined && endedMs < nowMs - KEPT_MS;
        // The first token stays: without any, the next start would create another first one.
        if (isOver && token?.createdBy !== '')
          await fromStore(() => this.#store.kvDelete(keyOfToken(item.key), item.version));
        else count++;
      }
      cursor = next ?? undefined;
    } while (cursor !== undefined);
    if (count >= LIMITS.tokens)
      throw new HoldfastError(
        'too_large',
        `there are ${count} tokens, and at most ${LIMITS.tokens} are allowed; those that were revoked or expired more than 30 days ago are deleted`,
      );
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

/** A token that this version cannot read is neither listed nor deleted. */
function readableToken(stored: KeyValue): readonly StoredToken[] {
  try {
    return [tokenOf(stored)];
  } catch {
    return [];
  }
}

/** By how much a token may do more than a principal, for an error; undefined: it may not. */
function excessOf(principal: Principal, token: Pick<TokenRecord, 'role' | 'namespaces'>): string | undefined {
  // Without authentication, every caller may do everything.
  if (isAnonymous(principal)) return undefined;
  const own = highestRole(principal);
  if (own === undefined || ROLES.indexOf(token.role) > ROLES.indexOf(own))
    return `the role ${token.role}: its creator has the role ${own ?? '(none)'}`;
  const { namespaces } = principal;
  if (namespaces === undefined) return undefined;
  if (token.namespaces === undefined) return `all namespaces: its creator has only ${namespaces.join(', ')}`;
  const more = token.namespaces.find((name) => !namespaces.includes(name));
  return more === undefined ? undefined : `the namespace ${more}: its creator does not have it`;
}
