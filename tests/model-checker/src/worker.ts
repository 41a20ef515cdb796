import { parentPort, workerData } from 'node:worker_threads';
import { explore } from './explore.ts';
import type { Scenario } from './scenario.ts';

/** The exploration assigned to a worker. */
export interface Task {
  readonly scenario: Scenario;
  readonly states: number;
  readonly ms: number;
}

const { scenario, states, ms } = workerData as Task;
parentPort?.postMessage(await explore(scenario, { states, ms }), []);
