import { Worker } from 'node:worker_threads';
import { Counters } from './counters.ts';
import { type Options, readOptions, USAGE } from './options.ts';
import { type SeedReport, summary } from './report.ts';
import type { Share } from './worker.ts';

/**
 * Runs the seeds on several processors until all are done, the time has expired, or one violates an
 * invariant.
 */
async function run(options: Options): Promise<boolean> {
  const startedMs = performance.now();
  const counters = new Counters();
  const failures: SeedReport[] = [];
  let seeds = 0;
  let simulatedMs = 0;
  const workers: Worker[] = [];
  const stopAll = (): void => workers.forEach((worker) => void worker.terminate());
  const heard = (report: SeedReport): void => {
    seeds++;
    simulatedMs += report.simulatedMs;
    counters.add(report.counters);
    if (report.violations.length > 0) failures.push(report);
    if (report.text !== '' && !options.json) console.log(report.text);
    if (failures.length > 0) stopAll();
  };
  const timer = options.minutes > 0 ? setTimeout(stopAll, options.minutes * 60_000) : undefined;
  const shares = Array.from({ length: Math.min(options.jobs, options.seeds) }, (_, i) => ({
    first: options.from + i,
    step: options.jobs,
    end: options.from + options.seeds,
    trace: options.trace,
  }));
  await Promise.all(shares.map((share) => workThrough(share, workers, heard)));
  clearTimeout(timer);
  const tookMs = performance.now() - startedMs;
  if (options.json) {
    const violations = failures.flatMap(({ seed, violations: found }) =>
      found.map((violation) => ({ seed, ...violation })),
    );
    console.log(
      JSON.stringify({ seeds, simulatedMs, tookMs: Math.round(tookMs), violations, counters: counters.all() }),
    );
  } else console.log(summary(seeds, simulatedMs, tookMs, counters.all(), failures.length));
  return failures.length === 0;
}

/** Resolves when the worker has run its share or was stopped. */
function workThrough(share: Share, workers: Worker[], heard: (report: SeedReport) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL('./worker.js', import.meta.url), {
      workerData: share,
      // The objects of a seed are garbage soon afterwards: room for them saves a tenth of the time.
      resourceLimits: { maxYoungGenerationSizeMb: 64 },
    });
    workers.push(worker);
    worker.on('message', heard);
    worker.on('error', reject);
    worker.on('exit', () => resolve());
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
