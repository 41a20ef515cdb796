import { canonical } from './canonical.ts';
import { restAfter } from './rest.ts';
import type { Violation } from './invariants.ts';
import type { Scenario } from './scenario.ts';
import { FAULTS } from './store-port.ts';
import { World } from './world.ts';

/** The result of an exploration. */
export interface Exploration {
  readonly scenario: string;
  /** Number of distinct states. */
  readonly states: number;
  /** Number of actions taken, including those that led to a known state. */
  readonly transitions: number;
  /** Number of actions on the longest path. */
  readonly depth: number;
  /**
   * Every state within the budget was reached; otherwise a limit of states or time ended the
   * exploration.
   */
  readonly complete: boolean;
  readonly tookMs: number;
  readonly violation:
    { readonly violation: Violation; readonly path: readonly string[]; readonly rest: readonly string[] } | undefined;
}

export interface Limits {
  readonly states: number;
  readonly ms: number;
}

interface Node {
  readonly parent: Node | undefined;
  readonly label: string;
  readonly depth: number;
}

/**
 * Breadth-first search over the states of one scenario. A state is reached by taking the actions of
 * its path in a new world, so that no state has to be copied. The first violation found has a
 * shortest path.
 */
export async function explore(scenario: Scenario, limits: Limits): Promise<Exploration> {
  const startedMs = performance.now();
  const seen = new Set<string>();
  /** States that are known to come to rest. */
  const resting = new Set<string>();
  let frontier: Node[] = [{ parent: undefined, label: '', depth: 0 }];
  let transitions = 0;
  let depth = 0;
  const result = (complete: boolean, violation?: Exploration['violation']): Exploration => ({
    scenario: scenario.name,
    states: seen.size,
    transitions,
    depth,
    complete,
    tookMs: Math.round(performance.now() - startedMs),
    violation,
  });
  while (frontier.length > 0) {
    const next: Node[] = [];
    for (const node of frontier) {
      if (seen.size >= limits.states || performance.now() - startedMs > limits.ms) return result(false);
      let fresh: World | undefined = await follow(scenario, pathTo(node));
      const labels = fresh.actions().map(({ label }) => label);
      for (let i = 0; i < labels.length; i++) {
        const label = labels[i] ?? '';
        const world: World = fresh ?? (await follow(scenario, pathTo(node)));
        fresh = undefined;
        await world.take(label);
        transitions++;
        const child: Node = { parent: node, label, depth: node.depth + 1 };
        // The same action again, with each fault of the store calls that it made.
        if (!label.includes(' ! ') && world.left.store > 0)
          for (const call of world.faultyCalls())
            for (const fault of FAULTS[call]) labels.push(`${label} ! ${call} ${fault}`);
        const [violation] = world.judge.violations;
        if (violation !== undefined) return result(false, { violation, path: pathTo(child), rest: [] });
        const state = canonical(world);
        if (seen.has(state)) continue;
        seen.add(state);
        depth = child.depth;
        next.push(child);
        const rest = await restAfter(world, state, resting);
        const [late] = world.judge.violations;
        if (late !== undefined) return result(false, { violation: late, path: pathTo(child), rest });
      }
    }
    frontier = next;
  }
  return result(true);
}

/** Takes the actions of a path in a new world. */
export async function follow(scenario: Scenario, path: readonly string[]): Promise<World> {
  const world = new World(scenario);
  await world.start();
  for (const label of path) await world.take(label);
  return world;
}

function pathTo(node: Node): string[] {
  const path: string[] = [];
  for (let at: Node | undefined = node; at?.parent !== undefined; at = at.parent) path.push(at.label);
  return path.reverse();
}
