import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startServer } from '@holdfast/server';
import type { Closer } from './closer.ts';
import { openDatabases } from './databases.ts';
import type { Options } from './options.ts';
import { runTransfer } from './run.ts';
import type { Screen } from './screen.ts';
import { conclude, introduce, tellRun } from './story.ts';
import type { JudgedRun } from './table.ts';
import { verdictOf } from './verdict.ts';

/** The first pause before a call is repeated: short, for those who watch. */
const RETRY_INTERVAL_MS = 150;
/** Nothing is under way when the program ends. */
const DRAIN_TIMEOUT_MS = 1_000;

/**
 * Runs what was asked for and tells it. Answers whether every transfer kept the promise. What it
 * opens is closed by `closer`.
 *
 * @throws {CannotRun} a database is missing or cannot do it
 */
export async function runProgram(options: Options, screen: Screen, closer: Closer): Promise<boolean> {
  introduce(screen, options);
  const pools = await openDatabases(options.urls, options.patterns.includes('xa'), closer);
  const coordinatorUrl = await openCoordinator(closer);
  const { amount, withoutBarrier } = options;
  const runs: JudgedRun[] = [];
  for (const [pattern, failure] of combinations(options)) {
    const run = await runTransfer(pattern, failure, { coordinatorUrl, pools, amount, withoutBarrier });
    const judged = { run, verdict: verdictOf(run) };
    runs.push(judged);
    tellRun(screen, judged);
    // What is prepared locks the accounts: no other transfer can follow.
    if (run.prepared.length > 0) break;
  }
  conclude(screen, options, runs);
  return runs.every(({ verdict }) => verdict.complaints.length === 0);
}

const combinations = ({ patterns, failures }: Options) =>
  patterns.flatMap((pattern) => failures.map((failure) => [pattern, failure] as const));

/** A coordinator on LMDB, in a folder that is gone afterwards. */
export async function openCoordinator(closer: Closer): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-transfer-'));
  closer.add(() => rm(folder, { recursive: true, force: true }));
  const server = await startServer({
    store: `lmdb:${folder}`,
    httpPort: 0,
    retryInterval: RETRY_INTERVAL_MS,
    drainTimeout: DRAIN_TIMEOUT_MS,
  });
  closer.add(() => server.close());
  return server.url;
}
