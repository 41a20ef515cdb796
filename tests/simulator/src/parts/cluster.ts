import type { World } from '../kernel/world.ts';
import type { Random } from '../kernel/random.ts';
import type { Profile } from '../profile.ts';
import { SimNode, type SimNodeDependencies } from './sim-node.ts';

/** The coordinators of a run; one that crashed or drained is replaced by a new incarnation. */
export class Cluster {
  readonly #d: SimNodeDependencies;
  readonly #nodes: SimNode[] = [];
  readonly #incarnations: number[] = [];

  constructor(dependencies: SimNodeDependencies) {
    this.#d = dependencies;
    for (let i = 0; i < dependencies.profile.nodes; i++) this.#boot(i);
  }

  get nodes(): readonly SimNode[] {
    return this.#nodes;
  }

  #boot(index: number): void {
    const incarnation = (this.#incarnations[index] = (this.#incarnations[index] ?? 0) + 1);
    const node = new SimNode(`${'ABC'[index] ?? 'N'}${incarnation}`, this.#d);
    this.#nodes[index] = node;
    void node.start();
  }

  /** Schedules the faults of nodes. */
  scheduleFaults(): void {
    const { random, profile, world } = this.#d;
    const { crashes, pauses, longestPauseMs, drains } = profile.nodeFaults;
    const { outages, longestOutageMs } = profile.store;
    const some = (times: number, happen: (index: number) => void): void => {
      for (let i = 0; i < times; i++) {
        const index = random.int(0, profile.nodes - 1);
        world.after(random.between(1_000, profile.faultsUntilMs), () => happen(index));
      }
    };
    some(crashes, (index) => this.#whenBusy(index, (node) => node.kill('it crashes')));
    some(pauses, (index) => this.#whenBusy(index, (node) => node.pause(random.between(50, longestPauseMs))));
    some(outages, (index) => this.#whenBusy(index, (node) => node.link.takeDown(random.between(200, longestOutageMs))));
    some(drains, (index) => void this.#drain(this.#at(index)));
    this.#watchOver(world, random, profile);
  }

  /** Faults matter most while a node is busy: waits a while for such a moment. */
  #whenBusy(index: number, happen: (node: SimNode) => void, tries = 100): void {
    const node = this.#at(index);
    if (tries === 0 || node.engine.load().callsRunning > 0) return happen(node);
    this.#d.world.after(this.#d.random.between(1, 50), () => this.#whenBusy(index, happen, tries - 1));
  }

  /** Periodically restarts dead nodes. */
  #watchOver(world: World, random: Random, profile: Profile): void {
    for (let i = 0; i < this.#nodes.length; i++) {
      const check = (): void => {
        if (this.#at(i).domain.state === 'dead') this.#boot(i);
        world.after(world.nowMs < profile.faultsUntilMs ? random.between(100, 6_000) : 1_000, check);
      };
      world.after(random.between(100, 6_000), check);
    }
  }

  /** Restarts or resumes every node. */
  heal(): void {
    this.#nodes.forEach((node, i) => {
      if (node.domain.state === 'dead') this.#boot(i);
      else node.resume((held) => held);
    });
  }

  async #drain(node: SimNode): Promise<void> {
    if (!node.isUp) return;
    const { trace, random, counters } = this.#d;
    trace.add(node.name, '', 'drains');
    counters.count('drains');
    try {
      const left = await node.engine.drain(random.pick([0, 300, 5_000]));
      trace.add(node.name, '', `has drained, ${left} left`);
    } catch (error) {
      trace.add(node.name, '', `could not drain: ${String(error)}`);
    }
    node.kill('it has drained');
  }

  #at(index: number): SimNode {
    const node = this.#nodes[index];
    if (node === undefined) throw new RangeError(`no node ${index}`);
    return node;
  }
}
