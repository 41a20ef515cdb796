import { fstatSync, mkdtempSync, openSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CoordinatorClient } from './coordinator-client.ts';
import { CoordinatorProcess } from './coordinator-process.ts';
import type { Evidence } from './evidence.ts';
import { freePort } from './free-port.ts';
import { openLines, readLines, type JournalLine } from './journal.ts';
import { judge, type Judged } from './judge.ts';
import { planKills } from './kill-plan.ts';
import { killAsPlanned, type Kill } from './kills.ts';
import { Load } from './load.ts';
import type { Note } from './notes.ts';
import type { RunOptions } from './options.ts';
import { ParticipantsClient } from './participants-client.ts';
import { startParticipants, type ParticipantsProcess } from './participants-process.ts';
import { participantUrls } from './participant-urls.ts';
import { settle } from './settle.ts';

/** A client gives up a call of its own to a participant after this. */
const OWN_CALL_TIMEOUT_MS = 1_000;

/** Everything that a run found out. */
export interface RunResult {
  readonly kills: readonly Kill[];
  /** How often the coordinator ended without having been killed. */
  readonly deaths: number;
  /** From the first start to "ready". */
  readonly firstReadyMs: number;
  /** From the last restart until all transactions were final (or the patience was over). */
  readonly settledMs: number;
  readonly evidence: Evidence;
  readonly judged: readonly Judged[];
  /** The folder with journals, data and log; undefined if it was removed. */
  readonly folder: string | undefined;
}

/** Whether a run shows the coordinator innocent. */
export function isClean(result: RunResult): boolean {
  return result.deaths === 0 && result.judged.every(({ violations }) => violations.length === 0);
}

/**
 * One crash test: starts participants and a coordinator (`cliPath`), puts load on them, kills the coordinator at the moments of the plan,
 * waits until everything is final, and judges. Leaves no process behind; throws when the test itself cannot be done.
 */
export async function runCrashTest(
  options: RunOptions,
  cliPath: string,
  print: (line: string) => void,
): Promise<RunResult> {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-crash-test-'));
  const participants = await startParticipants(join(folder, 'participants.jsonl'));
  const port = await freePort();
  const coordinator = new CoordinatorProcess({
    cliPath,
    port,
    dataDir: join(folder, 'data'),
    logPath: join(folder, 'coordinator.log'),
  });
  try {
    const observed = await observe(options, folder, coordinator, `http://127.0.0.1:${port}`, participants, print);
    const evidence = await evidenceOf(folder, observed.unfinished, coordinator, participants);
    const judged = judge(evidence);
    const result = { ...observed, deaths: coordinator.deaths, evidence, judged, folder };
    if (options.keep || !isClean(result)) return result;
    rmSync(folder, { recursive: true });
    return { ...result, folder: undefined };
  } finally {
    await coordinator.kill();
    await participants.stop();
  }
}

interface Observed {
  readonly kills: readonly Kill[];
  readonly firstReadyMs: number;
  readonly settledMs: number;
  readonly unfinished: ReadonlySet<string>;
}

/** Load, kills, and the wait for the end. */
async function observe(
  options: RunOptions,
  folder: string,
  coordinator: CoordinatorProcess,
  origin: string,
  participants: ParticipantsProcess,
  print: (line: string) => void,
): Promise<Observed> {
  coordinator.start();
  const firstReadyMs = await coordinator.ready();

  const client = new CoordinatorClient(origin, options.clients);
  const ownCalls = new ParticipantsClient(options.clients, OWN_CALL_TIMEOUT_MS);
  const notes = openLines<Note>(join(folder, 'clients.jsonl'));
  const journal = openSync(join(folder, 'participants.jsonl'), 'r');
  const journalBytes = (): number => fstatSync(journal).size;
  const urls = participantUrls(participants.origin);
  const load = new Load({ coordinator: client, participants: ownCalls, urls, notes, journalBytes }, options);
  load.start();

  const plan = planKills(options.seed, options.kills, options.seconds);
  const kills = await killAsPlanned(coordinator, plan, () => load.inFlight, print);
  const lastReadyMs = performance.now();
  await load.stop();
  const unfinished = await settle(client, new Set(load.gids), options.settleSeconds * 1000);
  const settledMs = performance.now() - lastReadyMs + (kills.at(-1)?.readyMs ?? 0);

  await Promise.all([client.close(), ownCalls.close()]);
  notes.close();
  return { kills, firstReadyMs, settledMs, unfinished };
}

/** Ends both processes, so that nothing is added any more, and reads what was written. */
async function evidenceOf(
  folder: string,
  unfinished: ReadonlySet<string>,
  coordinator: CoordinatorProcess,
  participants: ParticipantsProcess,
): Promise<Evidence> {
  await coordinator.stop();
  await participants.stop();
  return {
    journal: readLines<JournalLine>(join(folder, 'participants.jsonl')),
    notes: readLines<Note>(join(folder, 'clients.jsonl')),
    unfinished,
  };
}
