import type { InputOf, TransactionDetails, TransactionPage, TransactionSummary } from '@holdfast/protocol';
import { CommandError, EXIT } from '../commands/command-error.ts';
import { ApiProblem } from './command-error-of.ts';
import type { CoordinatorApi } from './coordinator-api.ts';

/** An operator command. */
export type OperatorCommand = 'retry' | 'abort' | 'stop';

const OPERATIONS_OF = { retry: 'retryTransaction', abort: 'abortTransaction', stop: 'stopTransaction' } as const;

export type ListFilters = InputOf<'listTransactions'>['query'];

export function listTransactions(api: CoordinatorApi, filters: ListFilters): Promise<TransactionPage> {
  return api.call('listTransactions', { query: filters });
}

/** Resolves to the transaction; rejects with an `ApiProblem` `not_found` if it is unknown. */
export const findTransaction = (api: CoordinatorApi, gid: string): Promise<TransactionDetails> =>
  api.call('getTransaction', { gid });

export async function readTransaction(api: CoordinatorApi, gid: string): Promise<TransactionDetails> {
  return findTransaction(api, gid).catch(withHint(api, gid));
}

/** The states of a transaction, until the final one. */
export async function* watchTransaction(
  api: CoordinatorApi,
  gid: string,
): AsyncGenerator<TransactionDetails, void, undefined> {
  // An unknown gid, and a coordinator that cannot be reached, are reported at once.
  await readTransaction(api, gid);
  yield* api.watch(gid);
}

export async function commandTransaction(
  api: CoordinatorApi,
  gid: string,
  command: OperatorCommand,
  body?: { readonly reason?: string },
): Promise<TransactionDetails> {
  return api.call(OPERATIONS_OF[command], { gid, body }).catch(withHint(api, gid));
}

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
    : 'see "holdfast list"; finished transactions are deleted after the retention period';
