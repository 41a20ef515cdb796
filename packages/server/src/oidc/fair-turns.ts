/**
 * Runs tasks, a few at once. Those that wait take turns by their origin, so that many tasks of one
 * origin delay a task of another one by one at most.
 */
export class FairTurns {
  readonly #mostAtOnce: number;
  #running = 0;
  /** By origin, the one whose turn is next first. */
  readonly #waiting = new Map<string, (() => void)[]>();

  constructor(mostAtOnce: number) {
    this.#mostAtOnce = mostAtOnce;
  }

  async run<T>(origin: string, task: () => Promise<T>): Promise<T> {
    if (this.#running < this.#mostAtOnce) this.#running++;
    else await new Promise<void>((start) => this.#enqueue(origin, start));
    try {
      return await task();
    } finally {
      this.#startNext();
    }
  }

  #enqueue(origin: string, start: () => void): void {
    const tasks = this.#waiting.get(origin);
    if (tasks === undefined) this.#waiting.set(origin, [start]);
    else tasks.push(start);
  }

  /** The next task takes over the place of the one that has ended. */
  #startNext(): void {
    const [next] = this.#waiting;
    if (next === undefined) return void this.#running--;
    const [origin, tasks] = next;
    this.#waiting.delete(origin);
    const start = tasks.shift();
    if (tasks.length > 0) this.#waiting.set(origin, tasks);
    start?.();
  }
}
