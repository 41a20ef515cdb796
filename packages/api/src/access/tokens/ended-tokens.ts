import { fromStore } from '@holdfast/core/engine';
import type { KeyValue } from '@holdfast/core/store';
import { HoldfastError, LIMITS } from '@holdfast/protocol';
import type { TokenStore } from './token-book.ts';
import { keyOfToken, readableToken, TOKEN_CATEGORY } from './token-record.ts';

/**
 * Revoked and expired tokens are kept for this long, if there is room, so that their users learn
 * why they fail.
 */
const KEPT_MS = 30 * 24 * 3_600_000;

/** A token that was revoked or has expired. */
export interface EndedToken {
  readonly id: string;
  readonly version: number;
  readonly endedMs: number;
}

/** All tokens of a store, in pages. */
export async function* pagesOfTokens(
  store: Pick<TokenStore, 'kvScan'>,
): AsyncGenerator<readonly KeyValue[], void, undefined> {
  let cursor: string | undefined;
  do {
    const query = { ...TOKEN_CATEGORY, limit: LIMITS.pageSize, ...(cursor !== undefined && { cursor }) };
    const { items, next } = await fromStore(() => store.kvScan(query));
    yield items;
    cursor = next ?? undefined;
  } while (cursor !== undefined);
}

/**
 * The tokens that a new one replaces: those that ended long ago and, as far as there is no room,
 * those that ended before others. Throws `too_large` if there is no room with that.
 */
export async function tokensToDelete(store: TokenStore, nowMs: number): Promise<readonly EndedToken[]> {
  let count = 0;
  const ended: EndedToken[] = [];
  for await (const items of pagesOfTokens(store)) {
    count += items.length;
    for (const item of items) {
      const [{ revokedAtMs = Infinity, expiresAtMs = Infinity } = {}] = readableToken(item);
      const endedMs = Math.min(revokedAtMs, expiresAtMs);
      if (endedMs <= nowMs) ended.push({ id: item.key, version: item.version, endedMs });
    }
  }
  if (count - ended.length >= LIMITS.tokens)
    throw new HoldfastError(
      'too_large',
      `there are ${count - ended.length} valid tokens, and at most ${LIMITS.tokens} are allowed; revoke those that are not used`,
    );
  const surplus = count + 1 - LIMITS.tokens;
  return ended
    .toSorted((one, other) => one.endedMs - other.endedMs)
    .filter(({ endedMs }, at) => at < surplus || endedMs < nowMs - KEPT_MS);
}

/**
 * Deletes tokens unless they have changed. After a new one was stored: a store without any token
 * would have another first one. What remains after a failure is deleted with the next one.
 */
export async function deleteTokens(store: TokenStore, ended: readonly EndedToken[]): Promise<void> {
  try {
    for (const { id, version } of ended) await store.kvDelete(keyOfToken(id), version);
  } catch {
    // The new token exists; its text must reach the caller.
  }
}
