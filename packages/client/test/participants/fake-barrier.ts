import type { Barrier, BarrierOutcome, BranchKey } from '../../src/barrier/barrier.ts';

/** A barrier in memory; its transaction is a list of what to do. */
export class FakeBarrier implements Barrier<string[]> {
  readonly committed: string[] = [];
  /** What the next check-back ends with. */
  broken: Error | undefined;
  readonly #done = new Map<string, unknown>();

  async run<T>(call: BranchKey, work: (tx: string[]) => T | Promise<T>): Promise<BarrierOutcome<T>> {
    const key = `${call.gid} ${call.branchId} ${call.op}`;
    if (this.#done.has(key)) return { ran: false, why: 'repeated', value: this.#done.get(key) as T };
    const value = await this.#commit(work);
    this.#done.set(key, value);
    return { ran: true, value };
  }

  async message<T>(gid: string, work: (tx: string[]) => T | Promise<T>): Promise<T> {
    const value = await this.#commit(work);
    this.#done.set(gid, value);
    return value;
  }

  async checkBack(gid: string): Promise<'committed' | 'refused'> {
    if (this.broken !== undefined) return Promise.reject(this.broken);
    return this.#done.has(gid) ? 'committed' : 'refused';
  }

  async #commit<T>(work: (tx: string[]) => T | Promise<T>): Promise<T> {
    const tx: string[] = [];
    const value = await work(tx);
    this.committed.push(...tx);
    return value;
  }
}
