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

/** The interval before the first retry: short, for an interactive demo. */
const RETRY_INTERVAL_MS = 150;
/** No transaction is in progress when the program ends. */
const DRAIN_TIMEOUT_MS = 1_000;

/**
 * Runs the transfers and prints their stories. Resolves to whether every transfer was atomic.
 * `closer` closes everything that was opened.
 *
 * @throws {CannotRun} a database is missing or lacks a required feature
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
    // A transaction left prepared locks the accounts: no other transfer can follow.
    if (run.prepared.length > 0) break;
  }
  conclude(screen, options, runs);
  return runs.every(({ verdict }) => verdict.complaints.length === 0);
}

const combinations = ({ patterns, failures }: Options) =>
  patterns.flatMap((pattern) => failures.map((failure) => [pattern, failure] as const));

/** A coordinator on LMDB, in a folder that is deleted afterwards. */
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
