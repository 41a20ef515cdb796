import { newToken, revokeQuery, rotateRequest, tokenPage, tokenRequest } from '../api-v1-tokens.ts';
import type { Operation } from './operation.ts';
import { paging } from './paging.ts';

/** Operations on API tokens. */
export const TOKEN_OPERATIONS = {
  createToken: {
    summary: 'Creates an API token, whose text is shown only in this response.',
    kind: 'command',
    role: 'admin',
    audited: true,
    method: 'POST',
    path: '/tokens',
    body: tokenRequest,
    result: newToken,
  },
  listTokens: {
    summary: 'Lists API tokens without their secrets, in the order of their IDs.',
    kind: 'query',
    role: 'admin',
    // Not a change.
    audited: false,
    method: 'GET',
    path: '/tokens',
    query: paging,
    result: tokenPage,
  },
  rotateToken: {
    summary: 'Gives an API token a new secret, which is shown only in this response.',
    kind: 'command',
    role: 'admin',
    audited: true,
    method: 'POST',
    path: '/tokens/:id/rotate',
    body: rotateRequest,
    bodyIsOptional: true,
    result: newToken,
  },
  revokeToken: {
    summary: 'Revokes an API token for good.',
    kind: 'command',
    role: 'admin',
    audited: true,
    method: 'DELETE',
    path: '/tokens/:id',
    query: revokeQuery,
  },
} as const satisfies Readonly<Record<string, Operation>>;
