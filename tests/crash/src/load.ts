import { setTimeout as delay } from 'node:timers/promises';
import { runMessage } from './client-message.ts';
import { runSaga } from './client-saga.ts';
import { ClientSession, type ClientTools } from './client-session.ts';
import { runTcc } from './client-tcc.ts';
import { runWorkflow } from './client-workflow.ts';
import { makePlan } from './make-plan.ts';
import type { Plan } from './plan.ts';

export interface LoadOptions {
  readonly seed: number;
  /** Transactions begun per second, while clients are free. */
  readonly rate: number;
  /** Clients at work at once. */
  readonly clients: number;
}

const TICK_MS = 10;

/** Begins transaction after transaction until it is stopped. */
export class Load {
  readonly #tools: ClientTools;
  readonly #options: LoadOptions;
  readonly #working = new Set<Promise<void>>();
  readonly #gids: string[] = [];
  readonly #stop = new AbortController();
  #pace: Promise<void> = Promise.resolve();

  constructor(tools: ClientTools, options: LoadOptions) {
    this.#tools = tools;
    this.#options = options;
  }

  /** Gids of all transactions that were begun. */
  get gids(): readonly string[] {
    return this.#gids;
  }

  /** Clients at work now. */
  get inFlight(): number {
    return this.#working.size;
  }

  start(): void {
    this.#pace = this.#begin();
  }

  /** Begins no more; returns when the clients at work are done. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#pace;
    await Promise.all(this.#working);
  }

  async #begin(): Promise<void> {
    const { seed, rate, clients } = this.#options;
    let allowance = 0;
    let number = 0;
    let lastMs = performance.now();
    while (!this.#stop.signal.aborted) {
      const nowMs = performance.now();
      // What could not begin because all clients were busy is not made up for.
      allowance = Math.min(allowance + ((nowMs - lastMs) * rate) / 1000, clients);
      lastMs = nowMs;
      for (; allowance >= 1 && this.#working.size < clients; allowance--) this.#work(makePlan(seed, number++));
      await delay(TICK_MS);
    }
  }

  #work(plan: Plan): void {
    // A client's rejection is a bug of this test; it stays in the set, and `stop` throws it.
    const work: Promise<void> = this.#run(plan).then(() => void this.#working.delete(work));
    work.catch(() => this.#stop.abort());
    this.#working.add(work);
  }

  async #run(plan: Plan): Promise<void> {
    const { coordinator, grpcCoordinator } = this.#tools;
    const client = plan.submission === 'grpc' ? grpcCoordinator : coordinator;
    const fresh = plan.freshGid ? await client.newGid() : undefined;
    const gid = fresh ?? plan.gid;
    this.#gids.push(gid);
    this.#tools.notes.append({ kind: 'planned', gid, plan, atMs: Date.now() });
    switch (plan.pattern) {
      case 'saga':
        return runSaga(new ClientSession(gid, plan, this.#tools));
      case 'tcc':
        return runTcc(new ClientSession(gid, plan, this.#tools));
      case 'msg':
        return runMessage(new ClientSession(gid, plan, this.#tools));
      case 'workflow':
        return runWorkflow(new ClientSession(gid, plan, this.#tools));
    }
  }
}
