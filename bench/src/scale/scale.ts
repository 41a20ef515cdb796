import { join } from 'node:path';
import { type MachineFacts, machineFacts } from '../machine/facts.ts';
import { preflight } from '../measure/preflight.ts';
import { type Bench, runRound } from '../measure/round.ts';
import { startTools } from '../measure/tools.ts';
import type { ScaleOptions } from '../options.ts';
import type { Cleanup } from '../processes/cleanup.ts';
import { temporaryFolder } from '../processes/temporary-folder.ts';
import type { Say } from '../report/say.ts';
import { type Holdfast, startHoldfast } from '../subjects/holdfast.ts';
import { fill } from './fill.ts';
import { scrape } from './prometheus.ts';
import { type Growth, growthOf } from './growth.ts';
import type { ScaleRound } from './scale-round.ts';
import { stored, storeWork } from './store-work.ts';

export interface ScaleComparison {
  readonly machine: MachineFacts;
  readonly branchService: string;
  readonly load: string;
  readonly options: ScaleOptions;
  /** By number of connections. */
  readonly growth: readonly Growth[];
}

/** Compares a coordinator on an empty LMDB store with one on a full store. What it starts is stopped by `cleanup`. */
export async function compareScale(options: ScaleOptions, cleanup: Cleanup, say: Say): Promise<ScaleComparison> {
  const folder = temporaryFolder(cleanup);
  const machine = machineFacts(folder);
  const bench = await startTools(options, folder, cleanup);
  const fullStore = join(folder, 'full');
  await fillStore(bench, options, fullStore, cleanup, say);

  const growth: Growth[] = [];
  for (const connections of options.connections) {
    const [empty, full]: [ScaleRound[], ScaleRound[]] = [[], []];
    for (let number = 1; number <= options.rounds; number++) {
      // What a round leaves behind would make the empty store a full one: it gets a new store each time.
      const emptyStore = join(folder, `empty-${connections}-${number}`);
      empty.push(await runOn('empty', emptyStore, bench, connections, options, cleanup));
      full.push(await runOn('full', fullStore, bench, connections, options, cleanup));
      say(`c${connections}, round ${number} of ${options.rounds}: ${[empty, full].map(progress).join(', ')}`);
    }
    growth.push(growthOf(connections, empty, full));
  }
  return { machine, branchService: bench.branches.name, load: bench.load.name, options, growth };
}

const progress = (rounds: readonly ScaleRound[]): string => `${Math.round(rounds.at(-1)?.sagasPerSecond ?? 0)} sagas/s`;

async function fillStore(
  bench: Bench,
  options: ScaleOptions,
  store: string,
  cleanup: Cleanup,
  say: Say,
): Promise<void> {
  const { finished, waiting } = options;
  say(`filling a store with ${finished} finished and ${waiting} waiting transactions`);
  const holdfast = await start('full', store, cleanup);
  await preflight(bench, holdfast);
  const gidPrefix = `${bench.runId}-fill-`;
  await fill({ target: holdfast.origin, branches: bench.branches.origin, finished, waiting, gidPrefix });
  await holdfast.stop();
}

/** Both sides get a new process each time, so that neither is better warmed than the other. */
async function runOn(
  name: string,
  store: string,
  bench: Bench,
  connections: number,
  { seconds, warmUpSeconds }: ScaleOptions,
  cleanup: Cleanup,
): Promise<ScaleRound> {
  const holdfast = await start(name, store, cleanup);
  if (warmUpSeconds > 0) await runRound(bench, holdfast, connections, warmUpSeconds);
  const before = await scrape(holdfast.origin);
  const round = await runRound(bench, holdfast, connections, seconds);
  const after = await scrape(holdfast.origin);
  await holdfast.stop();
  return { ...round, ...storeWork(before, after), stored: stored(after), readyMs: holdfast.readyMs };
}

async function start(name: string, store: string, cleanup: Cleanup): Promise<Holdfast> {
  const options = { name, store: `lmdb:${join(store, 'data')}`, folder: store, profileFolder: undefined };
  const holdfast = await startHoldfast(options);
  cleanup.add(holdfast.stop);
  return holdfast;
}
