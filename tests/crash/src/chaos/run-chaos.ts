import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { CoordinatorClient } from '../coordinator-client.ts';
import { readLines } from '../journal.ts';
import { loneCoordinator } from '../lone-coordinator.ts';
import type { PatchedBuild } from '../patched-build.ts';
import { createRandom } from '../random.ts';
import { settle } from '../settle.ts';
import type { Subject } from '../subject.ts';
import { Cast } from './cast.ts';
import { type ChaosCase, type ChaosViolation, judgeChaos, oneSidedPatterns } from './chaos-judge.ts';
import type { ChaosOptions } from './chaos-options.ts';
import { cutChooser } from './cuts.ts';
import { type CuttingProxy, cuttingProxy } from './cutting-proxy.ts';
import type { Books, ChaosDatabase } from './databases/chaos-database.ts';
import { startChaosDatabase } from './databases/start-database.ts';
import { killInTurns, terminateAtRandom } from './disturb.ts';
import { FaultCounts, faultsOf } from './faults.ts';
import type { ChaosLine } from './lines.ts';
import { readerOf } from './moments.ts';
import { type Relay, startRelay } from './relay.ts';

const CUTS_STREAM = 0x7fff_fff2;
/** The coordinator serves for as long between two kills, on average: see docs/crash-test.md. */
const SECONDS_PER_COORDINATOR_KILL = 6;
const CONNECTIONS = 32;
/**
 * A run continues until each kind of fault has happened, but not for longer than this many times
 * its seconds after the last kill of the coordinator.
 */
const LONGEST_SHARE = 8;
const POLL_MS = 500;
const LINES = 'lines.jsonl';

/** Everything that a run found out. */
export interface ChaosResult {
  readonly cases: readonly ChaosCase[];
  readonly books: Books;
  readonly violations: readonly ChaosViolation[];
  readonly faults: FaultCounts;
  /** Kinds of faults that this run had to have and did not. */
  readonly missing: readonly string[];
  /** Patterns of which no transaction succeeded, or none failed. */
  readonly oneSided: readonly string[];
  /** How often a process ended without having been killed. */
  readonly deaths: number;
  /** With lines and log; undefined if it was removed. */
  readonly folder: string | undefined;
}

/** Whether a run shows the participants' side innocent. */
export const isInnocent = ({ violations, missing, oneSided, deaths }: ChaosResult): boolean =>
  violations.length === 0 && missing.length === 0 && oneSided.length === 0 && deaths === 0;

/**
 * One chaos run with the SDK and the coordinator of that build. Leaves no process behind; throws
 * when the run itself cannot be done.
 */
export async function runChaos(
  options: ChaosOptions,
  build: PatchedBuild,
  print: (line: string) => void,
): Promise<ChaosResult> {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-chaos-'));
  const { database: name, isolation, seed, seconds } = options;
  const kills = Math.max(1, Math.floor(seconds / SECONDS_PER_COORDINATOR_KILL));
  const closers: (() => Promise<unknown>)[] = [];
  const closing = <T>(one: T, close: (one: T) => Promise<unknown>): T => {
    closers.push(() => close(one));
    return one;
  };
  try {
    const database = closing(await startChaosDatabase(name, isolation), (one) => one.close());
    const subject = closing(await loneCoordinator({ seed, seconds, kills }, build.cliPath, folder, print), (one) =>
      one.close(),
    );
    const faults = new FaultCounts();
    const disturbing = new AbortController();
    const proxy = closing(await proxyOf(options, database, faults, disturbing.signal), (one) => one.close());
    const cast = closing(await castOf(options, build.root, join(folder, LINES), database, proxy, subject), (one) =>
      one.stop(),
    );
    const relay = await startRelay(cast.origins, (kind) => faults.happened(kind));
    await subject.start();
    await cast.start(cast.origins.map((_, participant) => relay.urlOf(participant)));
    await disturb({ options, database, subject, cast, faults, disturbing, linesPath: join(folder, LINES) });
    print(`faults end; waiting for what was begun`);
    const cases = await comeToRest({ options, cast, relay, subject, linesPath: join(folder, LINES) });
    const books = await database.read();
    const lines = linesOf(join(folder, LINES));
    const missing = options.untilAllFaults ? faults.missing(faultsOf(name, isolation), lines) : [];
    for (const line of lines) if (line.kind === 'fault') faults.happened(line.fault);
    const result: ChaosResult = {
      cases,
      books,
      violations: judgeChaos(cases, books),
      faults,
      missing,
      oneSided: oneSidedPatterns(cases, name),
      deaths: cast.deaths + subject.deaths,
      folder,
    };
    if (options.keep || !isInnocent(result)) return result;
    rmSync(folder, { recursive: true });
    return { ...result, folder: undefined };
  } finally {
    for (const close of closers.toReversed()) await close();
  }
}

async function proxyOf(
  { database: name, seed }: ChaosOptions,
  database: ChaosDatabase,
  faults: FaultCounts,
  over: AbortSignal,
): Promise<CuttingProxy> {
  const choose = cutChooser(createRandom(seed, CUTS_STREAM));
  return cuttingProxy({
    target: database.url,
    newReader: () => readerOf(name),
    choose: (moment) => (over.aborted ? undefined : choose(moment)),
    happened: (cut, moment) => faults.happened(`${cut} at ${moment}`),
  });
}

async function castOf(
  { database: name, isolation, seed, rate }: ChaosOptions,
  root: string,
  linesPath: string,
  database: ChaosDatabase,
  proxy: CuttingProxy,
  subject: Subject,
): Promise<Cast> {
  const ledger = { database: name, isolation, url: proxy.url, directUrl: database.url, process: 0 };
  return Cast.create(root, { ledger, linesPath, seed, rate, run: `chaos${seed}`, coordinator: subject.origin });
}

interface Stage {
  readonly options: ChaosOptions;
  readonly database: ChaosDatabase;
  readonly subject: Subject;
  readonly cast: Cast;
  readonly faults: FaultCounts;
  readonly disturbing: AbortController;
  readonly linesPath: string;
}

/**
 * Load and faults: for as long as the coordinator is killed, and until all that must happen has.
 */
async function disturb(stage: Stage): Promise<void> {
  const { options, database, subject, cast, faults, disturbing } = stage;
  const { seed, seconds } = options;
  const { signal } = disturbing;
  const others = Promise.all([
    killInTurns(cast, seed, faults, signal),
    terminateAtRandom(database, seed, faults, signal),
  ]);
  // A failure of the others is thrown below.
  others.catch(() => undefined);
  try {
    const { kills } = await subject.disturb(() => 0);
    faults.happened('coordinator killed', kills.length);
    const deadlineMs = performance.now() + LONGEST_SHARE * seconds * 1_000;
    while (isMissing(stage) && performance.now() < deadlineMs) await delay(POLL_MS);
  } finally {
    disturbing.abort();
  }
  await others;
}

/**
 * Whether a kind of fault has not happened yet, or no initiator has received a success, or a
 * failure, of a pattern.
 */
function isMissing({ options, faults, linesPath }: Stage): boolean {
  if (!options.untilAllFaults) return false;
  const { database, isolation } = options;
  const lines = linesOf(linesPath);
  if (faults.missing(faultsOf(database, isolation), lines).length > 0) return true;
  return oneSidedPatterns(casesSoFar(lines), database).length > 0;
}

const STATUSES = { success: 'succeed', failed: 'failed', unclear: 'unknown' } as const;

/** As far as the initiators know the outcome. */
function casesSoFar(lines: readonly ChaosLine[]): readonly ChaosCase[] {
  const plans = new Map(lines.flatMap((line) => (line.kind === 'planned' ? [[line.gid, line.plan] as const] : [])));
  return lines.flatMap((line) => {
    const plan = plans.get(line.gid);
    if (line.kind !== 'outcome' || plan === undefined) return [];
    return [{ gid: line.gid, plan, reported: line.outcome, status: STATUSES[line.outcome] }];
  });
}

const linesOf = (path: string): readonly ChaosLine[] => readLines<ChaosLine>(path).map(({ line }) => line);

interface Rest {
  readonly options: ChaosOptions;
  readonly cast: Cast;
  readonly relay: Relay;
  readonly subject: Subject;
  readonly linesPath: string;
}

/** Waits until nothing moves any more, and ends every process but the database. */
async function comeToRest({ options, cast, relay, subject, linesPath }: Rest): Promise<readonly ChaosCase[]> {
  const client = new CoordinatorClient(subject.origin, CONNECTIONS);
  try {
    await cast.quiet();
    const lines = linesOf(linesPath);
    const planned = lines.filter((line) => line.kind === 'planned');
    const reported = new Map(
      lines.flatMap((line) => (line.kind === 'outcome' ? [[line.gid, line.outcome] as const] : [])),
    );
    await settle(
      client,
      planned.map(({ gid }) => gid),
      options.settleSeconds * 1000,
    );
    await relay.close();
    const cases: ChaosCase[] = [];
    for (const { gid, plan } of planned)
      cases.push({ gid, plan, reported: reported.get(gid), status: (await client.status(gid)) ?? 'unknown' });
    await cast.stop();
    await subject.end();
    return cases;
  } finally {
    await client.close();
  }
}
