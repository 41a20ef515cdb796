import { join } from 'node:path';
import { type MachineFacts, machineFacts } from '../machine/facts.ts';
import { preflight } from '../measure/preflight.ts';
import { type Bench, runRound } from '../measure/round.ts';
import { startTools } from '../measure/tools.ts';
import { warmUp } from '../measure/warm-up.ts';
import type { ScaleOptions } from '../options.ts';
import type { Cleanup } from '../processes/cleanup.ts';
import { temporaryFolder } from '../processes/temporary-folder.ts';
import type { Say } from '../report/say.ts';
import { type Holdfast, startHoldfast } from '../subjects/holdfast.ts';
import { fill } from './fill.ts';
import { scrape } from './prometheus.ts';
import { type Growth, growthOf } from './growth.ts';
import type { ScaleRound } from './scale-round.ts';
import { openScaleStore, type ScaleStore } from './scale-store.ts';
import { stored, storeWork } from './store-work.ts';

export interface ScaleComparison {
  readonly machine: MachineFacts;
  readonly branchService: string;
  readonly load: string;
  readonly options: ScaleOptions;
  /** Description of the database, if it was started here. */
  readonly database: string | undefined;
  /** By number of connections. */
  readonly growth: readonly Growth[];
}

/**
 * Compares a coordinator on an empty store with one on a full store. `cleanup` stops the processes
 * that it starts.
 */
export async function compareScale(options: ScaleOptions, cleanup: Cleanup, say: Say): Promise<ScaleComparison> {
  const folder = temporaryFolder(cleanup);
  const machine = machineFacts(folder);
  const bench = await startTools(options, folder, cleanup);
  const store = await openScaleStore(options, folder, cleanup, say);
  const stage: Stage = { bench, options, store, folder, cleanup };
  await fillStore(stage, say);

  const growth: Growth[] = [];
  for (const connections of options.connections) {
    const [empty, full]: [ScaleRound[], ScaleRound[]] = [[], []];
    for (let number = 1; number <= options.rounds; number++) {
      // Each round on an empty store gets a new one, since rounds leave transactions behind.
      empty.push(await runOn(stage, `empty_${connections}_${number}`, connections));
      full.push(await runOn(stage, FULL, connections));
      say(`c${connections}, round ${number} of ${options.rounds}: ${[empty, full].map(progress).join(', ')}`);
    }
    growth.push(growthOf(connections, empty, full));
  }
  const { branches, load } = bench;
  return { machine, branchService: branches.name, load: load.name, options, database: store.description, growth };
}

/** The full store's name. */
const FULL = 'full_store';

/** The context of every part of the comparison. */
interface Stage {
  readonly bench: Bench;
  readonly options: ScaleOptions;
  readonly store: ScaleStore;
  readonly folder: string;
  readonly cleanup: Cleanup;
}

const progress = (rounds: readonly ScaleRound[]): string => `${Math.round(rounds.at(-1)?.sagasPerSecond ?? 0)} sagas/s`;

/** Fills the store and checks by its counts that it contains the requested transactions. */
async function fillStore(stage: Stage, say: Say): Promise<void> {
  const { bench, store, options } = stage;
  const { finished, waiting } = options;
  say(`filling a store with ${finished} finished and ${waiting} waiting transactions`);
  const holdfast = await start(stage, FULL);
  await preflight(bench, holdfast);
  const gidPrefix = `${bench.runId}-fill-`;
  await fill({ target: holdfast.origin, branches: bench.branches.origin, ...store.through, gidPrefix });
  await holdfast.stop();
  await store.fillUp(FULL);
  const filled = await start(stage, FULL);
  const there = stored(await scrape(filled.origin));
  await filled.stop();
  if (there.finished >= finished && there.unfinished >= waiting) return;
  const counted = `${there.finished} and ${there.unfinished}`;
  throw new Error(
    `the store should hold ${finished} finished and ${waiting} waiting transactions, but counts ${counted}`,
  );
}

/** Both sides get a new process each time, so that both are equally warmed up. */
async function runOn(stage: Stage, name: string, connections: number): Promise<ScaleRound> {
  const { bench, store, options } = stage;
  const holdfast = await start(stage, name);
  const subject = { ...holdfast, databasePid: store.databasePid };
  await warmUp(bench, subject, options.warmUpSeconds);
  const before = await scrape(holdfast.origin);
  const round = await runRound(bench, subject, connections, options.seconds);
  const after = await scrape(holdfast.origin);
  await holdfast.stop();
  return { ...round, ...storeWork(before, after), stored: stored(after), readyMs: holdfast.readyMs };
}

async function start({ store, folder, cleanup }: Stage, name: string): Promise<Holdfast> {
  const options = { name, store: store.url(name), folder: join(folder, name), profileFolder: undefined };
  const holdfast = await startHoldfast(options);
  cleanup.add(holdfast.stop);
  return holdfast;
}
