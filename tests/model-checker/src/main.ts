import { Worker } from 'node:worker_threads';
import type { Exploration } from './explore.ts';
import { type Options, readOptions, USAGE } from './options.ts';
import { summary, describeExploration } from './report.ts';
import type { Scenario } from './scenario.ts';
import type { Task } from './worker.ts';

/** Explores the scenarios, as many at once as there are jobs, until one violates an invariant. */
async function run({ scenarios, states, minutes, jobs, json }: Options): Promise<boolean> {
  const startedMs = performance.now();
  const explorations: Exploration[] = [];
  const waiting = [...scenarios];
  const running = new Set<Worker>();
  const violated = (): boolean => explorations.some(({ violation }) => violation !== undefined);
  const workThrough = async (): Promise<void> => {
    for (let scenario = waiting.shift(); scenario !== undefined && !violated(); scenario = waiting.shift()) {
      const one = await inWorker(scenario, { states, ms: minutes * 60_000 }, running);
      if (one === undefined) return;
      explorations.push(one);
      if (!json) console.log(describeExploration(scenario, one));
      if (violated()) for (const worker of running) void worker.terminate();
    }
  };
  await Promise.all(Array.from({ length: jobs }, workThrough));
  console.log(json ? JSON.stringify(explorations) : summary(explorations, performance.now() - startedMs));
  return !violated();
}

/** Resolves to undefined if the worker was stopped. */
function inWorker(
  scenario: Scenario,
  limits: Omit<Task, 'scenario'>,
  running: Set<Worker>,
): Promise<Exploration | undefined> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL('./worker.js', import.meta.url), {
      workerData: { scenario, ...limits },
      // Every transition creates a new world, which is garbage soon afterwards.
      resourceLimits: { maxYoungGenerationSizeMb: 64 },
    });
    running.add(worker);
    worker.on('message', resolve);
    worker.on('error', reject);
    worker.on('exit', () => {
      running.delete(worker);
      resolve(undefined);
    });
  });
}

try {
  const options = readOptions(process.argv.slice(2));
  if (options === 'help') console.log(USAGE);
  else if (!(await run(options))) process.exitCode = 1;
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  console.error(USAGE);
  process.exitCode = 2;
}
