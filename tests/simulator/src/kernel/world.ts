import { Agenda, type Domain, type Entry } from './agenda.ts';

export interface Scheduled {
  cancel(): void;
}

/**
 * Simulated time. Events happen one after the other; time advances only after every promise that
 * can continue has done so. There is no real timer: between two events the process only drains its
 * microtasks, so the order depends on the seed alone.
 */
export class World {
  readonly #agenda = new Agenda();
  #nowMs = 0;
  #orders = 0;
  #happened = 0;
  #stopped = false;

  /** Simulated milliseconds since the start. */
  get nowMs(): number {
    return this.#nowMs;
  }

  /** Number of events so far. */
  get happened(): number {
    return this.#happened;
  }

  /** Schedules `run` after `delayMs`, for `domain` if it concerns a process. */
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

  /** Resumes a paused process: the held events happen now, in the order given by `arrange`. */
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

  /** Ends the current `run` before the next event. */
  stop(): void {
    this.#stopped = true;
  }

  /**
   * Runs events until `done` returns true, `limitMs` is reached, or `stop` is called. Rejects with
   * an error thrown by an event.
   */
  run(done: () => boolean, limitMs: number): Promise<void> {
    this.#stopped = false;
    return new Promise((resolve, reject) => {
      const turn = (): void => {
        try {
          if (this.#stopped || done() || !this.#step(limitMs)) return resolve();
        } catch (error) {
          return reject(error instanceof Error ? error : new Error(String(error)));
        }
        // A microtask behind all others of this turn: its next tick finds none left.
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
