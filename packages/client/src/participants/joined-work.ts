import { setImmediate } from 'node:timers/promises';
import { readableThrown } from '@holdfast/protocol';
import { BranchIds } from '../branch-ids.ts';
import { runInBranch } from './branch-context.ts';
import type { BranchCallContext } from './call.ts';

/**
 * What became part of the transaction while one call of it was served: the tccs that a try's handler ran. Their branches are confirmed with the try, so that
 * a try succeeds only when all of them did.
 */
export class JoinedWork {
  /** Several tccs within one try are told apart by one count. */
  readonly ids: BranchIds;
  readonly #running = new Set<Promise<unknown>>();
  #failed: { readonly thrown: unknown } | undefined;

  constructor(call: BranchCallContext) {
    this.ids = new BranchIds(call.branchId);
  }

  async run<T>(work: () => Promise<T>): Promise<T> {
    const running = this.#noted(work);
    this.#running.add(running);
    try {
      return await running;
    } finally {
      this.#running.delete(running);
    }
  }

  /**
   * Waits for what the handler did not wait for. Throws what the first one that failed threw,
   * whatever the handler made of that.
   *
   * @param close called when nothing is running any more: from then on nothing may join
   */
  async ended(close: () => void): Promise<void> {
    while (this.#running.size > 0) {
      await Promise.allSettled(this.#running);
      // Code that awaits one of them may begin another.
      await setImmediate();
    }
    close();
    if (this.#failed !== undefined) throw this.#failed.thrown;
  }

  async #noted<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (thrown) {
      this.#failed ??= { thrown };
      throw thrown;
    }
  }
}

const joined = new WeakMap<BranchCallContext, JoinedWork>();

/** That of a call which is being served. */
export function joinedWorkOf(call: BranchCallContext): JoinedWork {
  const known = joined.get(call);
  if (known !== undefined) return known;
  const work = new JoinedWork(call);
  joined.set(call, work);
  return work;
}

/** Runs a participant's handler for a call: `currentBranch` finds it, and what joined its transaction meanwhile has ended well when this answers. */
export async function serveBranch<Call extends BranchCallContext>(
  call: Call,
  handler: (call: Call) => unknown,
): Promise<unknown> {
  return runInBranch(call, async (close) => {
    try {
      const value = await handler(call);
      await joinedWorkOf(call).ended(close);
      return value;
    } catch (thrown) {
      throw readableThrown(thrown);
    }
  });
}
