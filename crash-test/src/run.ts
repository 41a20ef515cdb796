import { closeSync, fstatSync, mkdtempSync, openSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ClientTools } from './client-session.ts';
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
const PARTICIPANTS_JOURNAL = 'participants.jsonl';
const CLIENTS_NOTES = 'clients.jsonl';

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
 * One crash test: starts participants and a coordinator (`cliPath`), puts load on them, kills the coordinator as planned, waits until
 * everything is final, and judges. Leaves no process behind; throws when the test itself cannot be done.
 */
export async function runCrashTest(
  options: RunOptions,
  cliPath: string,
  print: (line: string) => void,
): Promise<RunResult> {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-crash-test-'));
  const port = await freePort();
  const origin = `http://127.0.0.1:${port}`;
  const participants = await startParticipants(join(folder, PARTICIPANTS_JOURNAL), origin);
  const [dataDir, logPath] = [join(folder, 'data'), join(folder, 'coordinator.log')];
  const coordinator = new CoordinatorProcess({ cliPath, port, dataDir, logPath });
  try {
    const observed = await observe({ options, folder, coordinator, origin, participants, print });
    // Both are ended first, so that nothing is added to the journal while it is read.
    await coordinator.kill();
    await participants.stop();
    const evidence = evidenceOf(folder, observed.unfinished);
    const result = { ...observed, deaths: coordinator.deaths, evidence, judged: judge(evidence), folder };
    if (options.keep || !isClean(result)) return result;
    rmSync(folder, { recursive: true });
    return { ...result, folder: undefined };
  } finally {
    await coordinator.close();
    await participants.stop();
  }
}

/** Where a run takes place. */
interface Stage {
  readonly options: RunOptions;
  readonly folder: string;
  readonly coordinator: CoordinatorProcess;
  /** The coordinator's. */
  readonly origin: string;
  readonly participants: ParticipantsProcess;
  readonly print: (line: string) => void;
}

interface Observed {
  readonly kills: readonly Kill[];
  readonly firstReadyMs: number;
  readonly settledMs: number;
  readonly unfinished: ReadonlySet<string>;
}

/** Load, kills, and the wait for the end. */
async function observe({ options, folder, coordinator, origin, participants, print }: Stage): Promise<Observed> {
  coordinator.start();
  const firstReadyMs = await coordinator.ready();

  const clients = openClients(options, folder, origin, participants);
  const load = new Load(clients.tools, options);
  load.start();
  try {
    const plan = planKills(options.seed, options.kills, options.seconds);
    const kills = await killAsPlanned(coordinator, plan, () => load.inFlight, print);
    const lastReadyMs = performance.now();
    await load.stop();
    const unfinished = await settle(clients.tools.coordinator, new Set(load.gids), clients.tools.patienceMs);
    const settledMs = performance.now() - lastReadyMs + (kills.at(-1)?.readyMs ?? 0);
    return { kills, firstReadyMs, settledMs, unfinished };
  } finally {
    clients.giveUp();
    try {
      await load.stop();
    } finally {
      await clients.close();
    }
  }
}

interface Clients {
  readonly tools: ClientTools;
  /** Ends the patience of the clients at work. */
  giveUp(): void;
  close(): Promise<void>;
}

function openClients(options: RunOptions, folder: string, origin: string, participants: ParticipantsProcess): Clients {
  const coordinator = new CoordinatorClient(origin, options.clients);
  const ownCalls = new ParticipantsClient(options.clients, OWN_CALL_TIMEOUT_MS);
  const notes = openLines<Note>(join(folder, CLIENTS_NOTES));
  const journal = openSync(join(folder, PARTICIPANTS_JOURNAL), 'r');
  const patience = new AbortController();
  return {
    tools: {
      coordinator,
      participants: ownCalls,
      urls: participantUrls(participants.origin),
      notes,
      journalBytes: () => fstatSync(journal).size,
      patienceMs: options.settleSeconds * 1000,
      patience: patience.signal,
    },
    giveUp: () => patience.abort(),
    async close() {
      await Promise.all([coordinator.close(), ownCalls.close()]);
      notes.close();
      closeSync(journal);
    },
  };
}

function evidenceOf(folder: string, unfinished: ReadonlySet<string>): Evidence {
  return {
    journal: readLines<JournalLine>(join(folder, PARTICIPANTS_JOURNAL)),
    notes: readLines<Note>(join(folder, CLIENTS_NOTES)),
    unfinished,
  };
}
