import { Agenda, type Domain, type Entry } from './agenda.ts';

export interface Scheduled {
  cancel(): void;
}

/**
 * Simulated time. Things happen one after the other; time moves on only when every promise that could go on has done so. There is no real timer:
 * between two happenings the process drains its microtasks and comes back at once, so the order depends on the seed alone.
 */
export class World {
  readonly #agenda = new Agenda();
  #nowMs = 0;
  #orders = 0;
  #happened = 0;
  #stopped = false;

  /** Simulated milliseconds since the beginning. */
  get nowMs(): number {
    return this.#nowMs;
  }

  /** How many things happened so far. */
  get happened(): number {
    return this.#happened;
  }

  /** Runs `run` after `delayMs`, to `domain` if it is about one. */
  after(delayMs: number, run: () => void, domain?: Domain): Scheduled {
    const entry: Entry = {
      atMs: this.#nowMs + Math.max(0, delayMs),
      order: ++this.#orders,
      run,
      domain,
      cancelled: false,
    };
    this.#agenda.add(entry);
    return { cancel: () => (entry.cancelled = true) };
  }

  sleep(delayMs: number): Promise<void> {
    return new Promise((resolve) => this.after(delayMs, resolve));
  }

  /** Lets a paused process go on: everything that came meanwhile happens now, in the order that `arrange` gives it. */
  resume(domain: Domain, arrange: (held: Entry[]) => Entry[]): void {
    if (domain.state !== 'paused') return;
    domain.state = 'running';
    const held = arrange(domain.held);
    domain.held = [];
    for (const entry of held) {
      entry.atMs = this.#nowMs;
      entry.order = ++this.#orders;
      this.#agenda.add(entry);
    }
  }

  /** Ends the current `run` before the next thing happens. */
  stop(): void {
    this.#stopped = true;
  }

  /** Lets things happen until `done` says so, `limitMs` is reached, or somebody stops it. Rejects with what something that happened threw. */
  run(done: () => boolean, limitMs: number): Promise<void> {
    this.#stopped = false;
    return new Promise((resolve, reject) => {
      const turn = (): void => {
        try {
          if (this.#stopped || done() || !this.#step(limitMs)) return resolve();
        } catch (error) {
          return reject(error instanceof Error ? error : new Error(String(error)));
        }
        // A microtask that runs behind all others of this turn: what it puts on the next tick finds none left.
        queueMicrotask(() => process.nextTick(turn));
      };
      process.nextTick(turn);
    });
  }

  #step(limitMs: number): boolean {
    for (;;) {
      const entry = this.#agenda.next();
      if (entry === undefined) return false;
      if (entry.cancelled || entry.domain?.state === 'dead') continue;
      if (entry.domain?.state === 'paused') {
        entry.domain.held.push(entry);
        continue;
      }
      if (entry.atMs > limitMs) {
        this.#agenda.add(entry);
        this.#nowMs = limitMs;
        return false;
      }
      this.#nowMs = entry.atMs;
      this.#happened++;
      entry.run();
      return true;
    }
  }
}
