import type { Counters } from '../counters.ts';
import type { Random } from '../kernel/random.ts';
import type { Trace } from '../kernel/trace.ts';
import type { World } from '../kernel/world.ts';
import type { Profile } from '../profile.ts';
import type { Cluster } from './cluster.ts';
import type { WatchedStore } from './watched-store.ts';

interface ClockFaultsDependencies {
  readonly world: World;
  readonly random: Random;
  readonly profile: Profile;
  readonly trace: Trace;
  readonly counters: Counters;
  readonly store: WatchedStore;
  readonly cluster: Cluster;
}

const HOUR_MS = 3_600_000;

/**
 * Sets the wall clocks of the store and of nodes forward and back while faults happen. At the end
 * all are correct; then waiting transactions must still become due, and silent sessions must be
 * ended, within bounded time.
 */
export class ClockFaults {
  readonly #d: ClockFaultsDependencies;
  #aheadMs = 0;

  constructor(dependencies: ClockFaultsDependencies) {
    this.#d = dependencies;
  }

  schedule(): void {
    const { world, random, profile, cluster, counters } = this.#d;
    const { store, nodes } = profile.clockFaults;
    const untilMs = profile.faultsUntilMs;
    for (let i = 0; i < store; i++)
      world.after(random.between(0, untilMs), () => this.#setStoreClock(this.#somewhere()));
    for (let i = 0; i < nodes; i++)
      world.after(random.between(0, untilMs), () => {
        counters.count('wall clocks of nodes set');
        random.pick([...cluster.nodes]).setWall(this.#somewhere());
      });
  }

  heal(): void {
    this.#setStoreClock(0);
    for (const node of this.#d.cluster.nodes) node.setWall(0);
  }

  #somewhere(): number {
    const { random, profile } = this.#d;
    const back = -random.pick([0, 1_000, 20_000, HOUR_MS]);
    // Skipped time would delete transactions that clients still query.
    return profile.options.retentionMs > 0 || random.chance(0.5) ? back : -back;
  }

  #setStoreClock(aheadMs: number): void {
    if (aheadMs === this.#aheadMs) return;
    const { trace, counters, store } = this.#d;
    const isForward = aheadMs > this.#aheadMs;
    counters.count(isForward ? 'store clock set forward' : 'store clock set back');
    trace.add('', '', `the clock of the store is set to ${aheadMs} ms ahead`);
    this.#aheadMs = aheadMs;
    store.setClock(aheadMs);
  }
}
