import type { World } from '../kernel/world.ts';
import type { Trace } from '../kernel/trace.ts';
import type { Invariant, Violation } from './invariants.ts';

/** Collects violations. The first one ends the run, so that the trace ends at the fault. */
export class Checker {
  readonly violations: Violation[] = [];
  readonly #world: World;
  readonly #trace: Trace;

  constructor(world: World, trace: Trace) {
    this.#world = world;
    this.#trace = trace;
  }

  violate(invariant: Invariant, gid: string, detail: string): void {
    this.violations.push({ invariant, atMs: this.#world.nowMs, gid, detail });
    this.#trace.add('', gid, `VIOLATION of ${invariant}: ${detail}`);
    this.#world.stop();
  }

  /** `detail` is called only for a violation. */
  expect(holds: boolean, invariant: Invariant, gid: string, detail: () => string): void {
    if (!holds) this.violate(invariant, gid, detail());
  }
}
