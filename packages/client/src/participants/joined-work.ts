import { createHash, randomUUID } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';
import { nestedDigest, readableThrown } from '@holdfast/protocol';
import { BranchIds } from '../branch-ids.ts';
import { runInBranch, runOf } from './branch-context.ts';
import type { BranchCallContext } from './call.ts';
import { noteSuccess } from './unguarded-work.ts';

/**
 * The tccs that joined a transaction while a try was served: those that the try's handler ran.
 * Their branches are confirmed with the try, so the try succeeds only if all of them did.
 */
export class JoinedWork {
  /** One sequence for all tccs within the try, so that their branch IDs are distinct. */
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

  /** The run that the try belongs to; empty: its caller did not name one. */
  get run(): string {
    return runOf(this.#call);
  }

  /** Distinguishes the nested branches from those of other handlers and runs. */
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
   * Waits for the tccs that the handler did not await. Throws the error of the first tcc that
   * failed, even if the handler caught it.
   *
   * @param close called when no tcc is running: from then on no tcc may join
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

/** The joined work of a call that is being served. */
export function joinedWorkOf(call: BranchCallContext, place = ''): JoinedWork {
  const known = joined.get(call);
  if (known !== undefined) return known;
  const work = new JoinedWork(call, place);
  joined.set(call, work);
  return work;
}

/**
 * Runs a participant's handler for a call, which `currentBranch` then returns. When this resolves,
 * every tcc that joined the call's transaction has succeeded.
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
