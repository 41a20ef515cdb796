import { setTimeout as delay } from 'node:timers/promises';
import type { CoordinatorProcess } from './coordinator-process.ts';
import type { PlannedKill } from './kill-plan.ts';

/** One SIGKILL. */
export interface Kill {
  readonly during: PlannedKill['during'];
  /** Since the load began. */
  readonly atMs: number;
  /** Clients at work at that moment. */
  readonly inFlight: number;
  /** From the restart to the first "ready"; undefined if the next kill came first. */
  readonly readyMs: number | undefined;
}

/**
 * Kills and restarts a coordinator that is ready, as planned; returns when it is ready after the
 * last kill.
 */
export async function killAsPlanned(
  coordinator: CoordinatorProcess,
  plan: readonly PlannedKill[],
  inFlight: () => number,
  print: (line: string) => void,
): Promise<readonly Kill[]> {
  const startMs = performance.now();
  const kills: Kill[] = [];
  for (const [index, { during, afterMs }] of plan.entries()) {
    await delay(afterMs);
    const seen = { during, atMs: performance.now() - startMs, inFlight: inFlight() };
    await coordinator.kill();
    coordinator.start();
    const readyMs = plan[index + 1]?.during === 'starting' ? undefined : await coordinator.ready();
    const kill = { ...seen, readyMs };
    kills.push(kill);
    print(describeKill(kill, `${index + 1}/${plan.length}`));
  }
  return kills;
}

function describeKill({ atMs, inFlight, during, readyMs }: Kill, which: string): string {
  const after = readyMs === undefined ? 'the next one comes at once' : `ready again after ${Math.round(readyMs)} ms`;
  return `${(atMs / 1000).toFixed(1).padStart(5)} s  kill ${which} while ${during}, ${inFlight} clients at work; ${after}`;
}
