import { AsyncLocalStorage } from 'node:async_hooks';
import { CoordinatorUnreachable } from './errors.ts';
import { LONGEST_TIMER_MS } from './longest-timer.ts';
import { currentBranch } from './participants/branch-context.ts';

/** The client whose work the current code is part of. */
const INSIDE = new AsyncLocalStorage<WorkInProgress>();

export interface WorkInProgressOptions {
  /** The coordinator's name in errors. */
  readonly name: string;
  /** The reason in errors. */
  readonly why?: string;
  /**
   * Whether a first phase that waits for the end of its transaction submits and waits in one
   * request, so that a shutdown waits for both. By default only its decision is waited for.
   */
  readonly includesWait?: boolean;
}

/**
 * The first phases and workflow runs of one client, which a shutdown waits for. Owns no connection
 * and no transaction: what it does not wait for is recovered by a coordinator. States:
 *
 *     open     anything may begin
 *     closing  only code of a branch, step or first phase in progress begins something
 *     stopped  nothing begins: no transaction, and no further step of a workflow
 */
export class WorkInProgress {
  readonly #name: string;
  readonly #running = new Set<Promise<unknown>>();
  #state: 'open' | 'closing' | 'stopped' = 'open';

  readonly #why: string;
  /** Whether `wait` of a first phase is part of what is waited for. */
  readonly includesWait: boolean;

  constructor({ name, why = 'it is shutting down', includesWait = false }: WorkInProgressOptions) {
    this.#name = name;
    this.#why = why;
    this.includesWait = includesWait;
  }

  get isOpen(): boolean {
    return this.#state === 'open';
  }

  get isStopped(): boolean {
    return this.#state === 'stopped';
  }

  /** @throws {CoordinatorUnreachable} the client is being closed */
  assertOpen(gid: string): void {
    if (this.#state === 'open' || (this.#state === 'closing' && this.#isPartOfRunning())) return;
    throw new CoordinatorUnreachable(this.#name, gid, 1, 'not_started', new Error(this.#why));
  }

  /** Runs something that `close` waits for. */
  async run<T>(gid: string, work: () => Promise<T>): Promise<T> {
    this.assertOpen(gid);
    const running = INSIDE.run(this, work);
    this.#running.add(running);
    try {
      return await running;
    } finally {
      this.#running.delete(running);
    }
  }

  /**
   * Waits until everything has ended, at most for the time; resolves to the number of what has not.
   */
  async close(timeoutMs: number): Promise<number> {
    this.#state = 'closing';
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<'late'>(
      (resolve) => (timer = setTimeout(resolve, Math.min(timeoutMs, LONGEST_TIMER_MS), 'late')),
    );
    while (this.#running.size > 0 && (await Promise.race([this.#settled(), late])) !== 'late');
    clearTimeout(timer);
    this.#state = 'stopped';
    return this.#running.size;
  }

  #isPartOfRunning(): boolean {
    return INSIDE.getStore() === this || currentBranch() !== undefined;
  }

  async #settled(): Promise<void> {
    await Promise.allSettled(this.#running);
    // Code that awaited one of them may begin another.
    await new Promise((resolve) => void setImmediate(resolve));
  }
}
