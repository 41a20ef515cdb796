import {
  transactionDetails,
  type TransactionDetails,
  transactionPage,
  type TransactionPage,
  type TransactionSummary,
} from '@holdfast/protocol';
import { CommandError, EXIT } from './command-error.ts';
import { ApiProblem, type CoordinatorApi } from './coordinator-api.ts';

/** An operator command, also the name of its path below the transaction. */
export type Order = 'retry' | 'abort' | 'stop';

export interface ListFilters {
  readonly status?: string;
  readonly pattern?: string;
  readonly attention?: boolean;
  readonly createdFromMs?: number;
  readonly createdToMs?: number;
  readonly cursor?: string;
  readonly limit: number;
}

export function listTransactions(api: CoordinatorApi, filters: ListFilters): Promise<TransactionPage> {
  return api.ask({ method: 'GET', path: '/transactions', query: { ...filters } }, transactionPage);
}

/** Resolves to the transaction; rejects with an `ApiProblem` `not_found` if it is unknown. */
export const findTransaction = (api: CoordinatorApi, gid: string): Promise<TransactionDetails> =>
  api.ask({ method: 'GET', path: pathOf(gid) }, transactionDetails);

export async function readTransaction(api: CoordinatorApi, gid: string): Promise<TransactionDetails> {
  return findTransaction(api, gid).catch(withHint(api, gid));
}

export async function orderTransaction(
  api: CoordinatorApi,
  gid: string,
  order: Order,
  body?: unknown,
): Promise<TransactionDetails> {
  const request = { method: 'POST', path: `${pathOf(gid)}/${order}`, body } as const;
  return api.ask(request, transactionDetails).catch(withHint(api, gid));
}

const pathOf = (gid: string): string => `/transactions/${encodeURIComponent(gid)}`;

/** Number of recent transactions searched for gids that begin with the given one. */
const HINT_PAGE = 200;
const MOST_HINTS = 3;

/**
 * Replaces `not_found` by an error with a hint: often the gid is incomplete or belongs to another
 * coordinator.
 */
function withHint(api: CoordinatorApi, gid: string): (error: unknown) => Promise<never> {
  return async (error) => {
    if (!(error instanceof ApiProblem) || error.problem.code !== 'not_found') throw error;
    const recent = await listTransactions(api, { limit: HINT_PAGE });
    const alike = recent.items.filter((item) => item.gid.startsWith(gid)).slice(0, MOST_HINTS);
    throw new CommandError(EXIT.refused, `no transaction ${gid} at ${api.server}: ${hint(alike)}`, { cause: error });
  };
}

const hint = (alike: readonly TransactionSummary[]): string =>
  alike.length > 0
    ? `did you mean ${alike.map((item) => item.gid).join(' or ')}?`
    : '"holdfast list" shows what there is; finished ones are deleted after the retention';
