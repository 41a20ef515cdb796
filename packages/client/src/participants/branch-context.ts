import { AsyncLocalStorage } from 'node:async_hooks';
import { RUN_PARAMETER, withoutCoordinates } from '@holdfast/protocol';
import type { BranchCallContext } from './call.ts';
import { markRequest } from './request-mark.ts';

/** A call, and whether its handler has ended: code that the handler left behind finds it still. */
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
 * Runs a handler such that `currentBranch` finds its call, whatever it awaits, until it has ended.
 *
 * @param handler may call `end` to be over before its promise is settled
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
 * The URL with what makes a call of it part of the branch that is being served: another service that serves it with `branch` finds the same gid, branch
 * and op, and its barrier lets it do its part once. It is told of the later calls (confirm, compensate, …) only if the handler of those calls it, too.
 *
 *     await fetch(branchUrl('http://ledger/note'), { method: 'POST', body })
 *
 * For a branch that the coordinator knows and calls itself, use `hf.tcc` within a try.
 *
 * @param call default: the one being served
 * @throws {TypeError} no call is being served, or the URL is none
 */
export function branchUrl(url: string, call: BranchCallContext | undefined = currentBranch()): string {
  if (call === undefined) throw new TypeError(`branchUrl(${url}): no branch is being served here; pass its call`);
  const complete = new URL(withoutCoordinates(url));
  complete.searchParams.set('gid', call.gid);
  complete.searchParams.set('trans_type', call.transType);
  complete.searchParams.set('branch_id', call.branchId);
  complete.searchParams.set('op', call.op);
  const run = call.query.get(RUN_PARAMETER);
  if (run !== null) complete.searchParams.set(RUN_PARAMETER, run);
  return complete.href;
}
