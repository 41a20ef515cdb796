import { HoldfastError, type TOKEN_OPERATIONS } from '@holdfast/protocol';
import type { TokenBook } from '../access/tokens/token-book.ts';
import { changeStarts } from '../calls/deadline.ts';
import { defined } from '../reading/defined.ts';
import { DEFAULT_PAGE_SIZE } from '../reading/query-reader.ts';
import type { ImplementationsOf } from './implementation.ts';

/** @param tokens undefined: the coordinator has no transports, and therefore no tokens */
export function tokenOperations(tokens: TokenBook | undefined): ImplementationsOf<typeof TOKEN_OPERATIONS> {
  const book = (): TokenBook => {
    if (tokens !== undefined) return tokens;
    throw new HoldfastError(
      'refused',
      'an embedded coordinator has no API tokens: only the code of its process can call it',
    );
  };
  return {
    async createToken(context, { body }) {
      const tokensOfStore = book();
      changeStarts(context);
      return tokensOfStore.create(context.principal, body);
    },

    async listTokens({ principal }, { query: { limit, cursor } }) {
      const page = { limit: limit || DEFAULT_PAGE_SIZE, ...defined({ cursor: cursor || undefined }) };
      return book().list(principal, page);
    },

    async rotateToken(context, { id, body }) {
      const tokensOfStore = book();
      changeStarts(context);
      return tokensOfStore.rotate(context.principal, id, body?.overlapMs ?? 0);
    },

    async revokeToken(context, { id }) {
      const tokensOfStore = book();
      changeStarts(context);
      await tokensOfStore.revoke(context.principal, id);
    },
  };
}
