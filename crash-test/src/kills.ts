import { setTimeout as delay } from 'node:timers/promises';
import type { CoordinatorProcess } from './coordinator-process.ts';

/** One SIGKILL. */
export interface Kill {
  /** Since the load began. */
  readonly atMs: number;
  /** Clients at work at that moment. */
  readonly inFlight: number;
  /** What the coordinator was doing: a kill may hit the recovery from the one before. */
  readonly during: 'serving' | 'starting';
  /** From the restart to the first "ready"; `killed` if the next kill came first. */
  readonly readyMs: number | 'killed';
}

/** Kills and restarts the coordinator at each of the moments (ms from now); returns when it is ready after the last one. */
export async function killAtMoments(
  coordinator: CoordinatorProcess,
  moments: readonly number[],
  inFlight: () => number,
  print: (line: string) => void,
): Promise<readonly Kill[]> {
  const startMs = performance.now();
  const kills: Promise<Kill>[] = [];
  let starting = false;
  for (const [index, moment] of moments.entries()) {
    await delay(Math.max(0, startMs + moment - performance.now()));
    const atMs = performance.now() - startMs;
    const seen = { atMs, inFlight: inFlight(), during: starting ? 'starting' : 'serving' } as const;
    await coordinator.kill();
    coordinator.start();
    starting = true;
    const ready = coordinator.ready().then((readyMs): Kill => {
      if (readyMs !== 'killed') starting = false;
      print(describeKill({ ...seen, readyMs }, `${index + 1}/${moments.length}`));
      return { ...seen, readyMs };
    });
    // Thrown where it is awaited, below; here it must only not count as unhandled meanwhile.
    ready.catch(() => undefined);
    kills.push(ready);
  }
  return Promise.all(kills);
}

function describeKill({ atMs, inFlight, during, readyMs }: Kill, which: string): string {
  const after =
    readyMs === 'killed' ? 'killed again before it was ready' : `ready again after ${Math.round(readyMs)} ms`;
  return `${(atMs / 1000).toFixed(1).padStart(5)} s  kill ${which} while ${during}, ${inFlight} clients at work; ${after}`;
}
