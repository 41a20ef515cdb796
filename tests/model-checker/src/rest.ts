import { isFinal } from '@holdfast/protocol';
import type { Action } from './action.ts';
import { canonical } from './canonical.ts';
import type { World } from './world.ts';

/** More actions than any transaction within the budget needs to finish. */
const PATIENCE = 120;

/**
 * Runs a state to rest: everything happens except further faults and further actions of client and
 * operator. Judges the final state and returns the actions taken. `resting`: states known to come
 * to rest; the states passed through are added.
 */
export async function restAfter(world: World, state: string, resting: Set<string>): Promise<string[]> {
  const taken: string[] = [];
  for (let at = state; !resting.has(at); at = canonical(world)) {
    resting.add(at);
    const next = choose(world.actions());
    if (next === undefined) {
      judgeRest(world);
      return taken;
    }
    if (taken.length === PATIENCE) {
      world.judge.violate(
        'ACK2',
        `it does not come to rest within ${PATIENCE} actions: … ${taken.slice(-4).join(', ')}`,
      );
      return taken;
    }
    taken.push(next.label);
    await world.take(next.label);
    if (world.judge.violations.length > 0) return taken;
  }
  return taken;
}

/**
 * Heartbeats and responses first, then all other actions; a claim before a timer, so that both get
 * their turn.
 */
function choose(actions: readonly Action[]): Action | undefined {
  const normal = actions.filter(({ spends, voluntary }) => spends === undefined && voluntary !== true);
  return normal.find(({ label }) => !label.includes('timer')) ?? normal[0];
}

function judgeRest(world: World): void {
  const { judge, store, nodes, requests } = world;
  for (const { what, node } of requests.open) judge.violate('ACK4', `${what} at ${node.name} receives no response`);
  const { record } = store;
  if (record === undefined) return;
  const isParked = record.attention && record.dueAtMs === null;
  if (!isFinal(record.status) && !isParked && record.owner === null)
    judge.violate('ACK2', `it stays ${record.status}, and no node drives it`);
  if (record.owner !== null && !waitsForItsClient(world))
    judge.violate('OWN4', `${record.owner} still owns the record`);
  for (const node of nodes)
    if (!node.idle && !waitsForItsClient(world))
      judge.violate('OWN4', `${node.name} still has the transaction in memory`);
}

/**
 * Whether a callback waits beyond the limit of executions, which never gets a response in this
 * model.
 */
const waitsForItsClient = ({ calls, scenario }: World): boolean =>
  scenario.pattern === 'workflow' && calls.some(({ respond }) => respond !== undefined);
