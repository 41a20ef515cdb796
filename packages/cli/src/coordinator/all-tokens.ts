import { LIMITS, type TokenInfo, type TokenPage } from '@holdfast/protocol';
import type { CoordinatorApi } from './coordinator-api.ts';
import { Paging } from './paging.ts';

/** All tokens that the caller may list. */
export async function allTokens(api: CoordinatorApi): Promise<readonly TokenInfo[]> {
  const found: TokenInfo[] = [];
  const paging = new Paging(api.server);
  let page: TokenPage;
  do {
    page = await api.call('listTokens', { query: { limit: LIMITS.pageSize, cursor: paging.cursor } });
    found.push(...page.items);
  } while (paging.follow(page));
  return found;
}
