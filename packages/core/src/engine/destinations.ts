import { SlotMap } from '../slot-map.ts';

interface Destination {
  running: number;
  /** Calls waiting for a place, oldest first from `head`. */
  readonly waiting: (() => void)[];
  head: number;
}

/**
 * Bounds what runs at once to one destination, so that a slow service cannot take all there is.
 */
export class Destinations {
  readonly #byName = new SlotMap<Destination>();
  readonly #maxRunning: number;
  readonly #maxWaiting: number;
  #running = 0;

  constructor(maxRunning: number, maxWaiting: number) {
    this.#maxRunning = maxRunning;
    this.#maxWaiting = maxWaiting;
  }

  /** Calls running, to all destinations. */
  get running(): number {
    return this.#running;
  }

  /** Runs `start` now or when a place is free; false: too many wait already, `start` will not run. Who started must `leave`. */
  enter(name: string, start: () => void): boolean {
    let destination = this.#byName.get(name);
    if (destination === undefined) this.#byName.set(name, (destination = { running: 0, waiting: [], head: 0 }));
    if (destination.running >= this.#maxRunning) {
      if (destination.waiting.length - destination.head >= this.#maxWaiting) return false;
      destination.waiting.push(start);
      return true;
    }
    destination.running++;
    this.#running++;
    start();
    return true;
  }

  /** Gives the place to the next one that waits. */
  leave(name: string): void {
    const destination = this.#byName.get(name);
    if (destination === undefined) return;
    const next = destination.waiting[destination.head];
    if (next === undefined) {
      this.#running--;
      if (--destination.running === 0) this.#byName.delete(name);
      return;
    }
    destination.head++;
    if (destination.head > 64 && destination.head * 2 > destination.waiting.length) {
      destination.waiting.splice(0, destination.head);
      destination.head = 0;
    }
    next();
  }
}
