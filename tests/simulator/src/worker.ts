import { parentPort, workerData } from 'node:worker_threads';
import { reportOf } from './report.ts';
import { simulate } from './simulation.ts';

/** The seeds of a worker: `first`, `first + step`, … below `end`. */
export interface Share {
  readonly first: number;
  readonly step: number;
  readonly end: number;
  readonly trace: boolean;
}

/** Runs its share of the seeds, and reports each to the main thread. */
async function work({ first, step, end, trace }: Share): Promise<void> {
  for (let seed = first; seed < end; seed += step) {
    const report = reportOf(await simulate(seed), trace);
    parentPort?.postMessage(report, []);
    if (report.violations.length > 0) return;
  }
}

await work(workerData as Share);
