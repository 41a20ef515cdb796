import { createHash, randomUUID } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';
import { nestedDigest, readableThrown } from '@holdfast/protocol';
import { BranchIds } from '../branch-ids.ts';
import { runInBranch, runOf } from './branch-context.ts';
import type { BranchCallContext } from './call.ts';
import { noteSuccess } from './unguarded-work.ts';

/**
 * What became part of the transaction while one call of it was served: the tccs that a try's
 * handler ran. Their branches are confirmed with the try, so that a try succeeds only when all of
 * them did.
 */
export class JoinedWork {
  /** Several tccs within one try are told apart by one count. */
  readonly ids: BranchIds;
  readonly #running = new Set<Promise<unknown>>();
  #failed: { readonly thrown: unknown } | undefined;

  readonly #call: BranchCallContext;
  readonly #place: string;

  /**
   * @param place where the call was received: handlers at two places never share a nested branch
   */
  constructor(call: BranchCallContext, place: string) {
    this.ids = new BranchIds(call.branchId);
    this.#call = call;
    this.#place = place;
  }

  /** The run that the try belongs to; empty: its caller did not name it. */
  get run(): string {
    return runOf(this.#call);
  }

  /** What tells the nested branches from those of other handlers and runs. */
  get digest(): string {
    return nestedDigest(
      this.run,
      createHash('sha256')
        .update(PROCESS + this.#place)
        .digest('hex')
        .slice(0, 32),
    );
  }

  async include<T>(work: () => Promise<T>): Promise<T> {
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

/** Two services may have the same path, and behind a proxy the same host. */
const PROCESS = randomUUID();

const joined = new WeakMap<BranchCallContext, JoinedWork>();

/** That of a call which is being served. */
export function joinedWorkOf(call: BranchCallContext, place = ''): JoinedWork {
  const known = joined.get(call);
  if (known !== undefined) return known;
  const work = new JoinedWork(call, place);
  joined.set(call, work);
  return work;
}

/**
 * Runs a participant's handler for a call: `currentBranch` finds it, and what joined its
 * transaction has ended well when this resolves.
 *
 * @param place where the call was received
 */
export async function serveBranch<Call extends BranchCallContext>(
  call: Call,
  handler: (call: Call) => unknown,
  place?: string,
): Promise<unknown> {
  const joinedWork = joinedWorkOf(call, place);
  return runInBranch(call, async (close) => {
    try {
      const value = await handler(call);
      await joinedWork.ended(close);
      noteSuccess(call);
      return value;
    } catch (thrown) {
      throw readableThrown(thrown);
    }
  });
}
