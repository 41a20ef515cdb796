import { AsyncLocalStorage } from 'node:async_hooks';
import { RUN_PARAMETER, withoutCoordinates } from '@holdfast/protocol';
import type { BranchCallContext } from './call.ts';
import { markRequest } from './request-mark.ts';

/**
 * A call, and whether its handler has ended: code that the handler did not await still finds the
 * call.
 */
interface Served {
  readonly call: BranchCallContext;
  ended: boolean;
}

const storage = new AsyncLocalStorage<Served>();

/**
 * The coordinator's call that the code running now serves; undefined outside of a participant's
 * handler, and once that handler has ended.
 */
export function currentBranch(): BranchCallContext | undefined {
  const served = storage.getStore();
  return served === undefined || served.ended ? undefined : served.call;
}

/**
 * The call whose handler began the code running now and has ended since; undefined: there is none.
 */
export function endedBranch(): BranchCallContext | undefined {
  const served = storage.getStore();
  return served?.ended === true ? served.call : undefined;
}

/**
 * Runs a handler. Until the handler has ended, `currentBranch` returns its call, also in
 * asynchronous code.
 *
 * @param handler may call `end` to end before its promise settles
 */
export async function runInBranch<T>(
  call: BranchCallContext,
  handler: (end: () => void) => T | Promise<T>,
): Promise<T> {
  markRequest(call);
  const served = { call, ended: false };
  const end = (): void => {
    served.ended = true;
  };
  try {
    return await storage.run(served, () => handler(end));
  } finally {
    end();
  }
}

/**
 * Adds the query parameters that make a call of the URL part of the branch being served: another
 * service that serves the URL with `branch` receives the same gid, branch and op, and its barrier
 * lets it do its part once. That service receives the later calls (confirm, compensate, …) only if
 * their handler calls it, too.
 *
 *     await fetch(branchUrl('http://ledger/note'), { method: 'POST', body })
 *
 * For a branch that the coordinator calls itself, use `hf.tcc` within a try.
 *
 * @param call default: the one being served
 * @throws {TypeError} no call is being served, or the URL is invalid
 */
export function branchUrl(url: string, call: BranchCallContext | undefined = currentBranch()): string {
  if (call === undefined) throw new TypeError(`branchUrl(${url}): no branch is being served here; pass its call`);
  const complete = new URL(withoutCoordinates(url));
  complete.searchParams.set('gid', call.gid);
  complete.searchParams.set('trans_type', call.transType);
  complete.searchParams.set('branch_id', call.branchId);
  complete.searchParams.set('op', call.op);
  const run = runOf(call);
  if (run !== '') complete.searchParams.set(RUN_PARAMETER, run);
  return complete.href;
}

/**
 * The run of a tcc that a call belongs to; empty: its caller did not name one. A copy of the call
 * may lack the query, or contain what JSON leaves of it: then the call being served determines the
 * run.
 */
export function runOf(call: BranchCallContext): string {
  const query: unknown = call.query;
  if (query instanceof URLSearchParams) return query.get(RUN_PARAMETER) ?? '';
  const served = currentBranch();
  const isServed = served !== undefined && served !== call && served.gid === call.gid;
  return isServed ? runOf(served) : '';
}
