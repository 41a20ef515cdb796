import { closeSync, fstatSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { ClientTools } from './client-session.ts';
import { cluster } from './cluster.ts';
import { type ClusterJudgement, judgeCluster } from './cluster-judge.ts';
import type { DatabaseFaultKind } from './database-faults/fault-kinds.ts';
import { CoordinatorClient } from './coordinator-client.ts';
import type { Evidence } from './evidence.ts';
import { GrpcCoordinatorClient } from './grpc-coordinator-client.ts';
import { openLines, readLines, type JournalLine } from './journal.ts';
import { missingFaults } from './database-faults/fault-report.ts';
import { judge, type Judged } from './judge.ts';
import { Load } from './load.ts';
import { loneCoordinator } from './lone-coordinator.ts';
import type { Note } from './notes.ts';
import type { RunOptions } from './options.ts';
import { ParticipantsClient } from './participants-client.ts';
import { startParticipants, type ParticipantsProcess } from './participants-process.ts';
import { participantUrls } from './participant-urls.ts';
import { Security } from './secured/security.ts';
import { SecurityRun } from './secured/security-run.ts';
import { isSecure, securityResult, type SecurityResult } from './secured/security-judge.ts';
import { settle } from './settle.ts';
import type { Disturbed, Subject } from './subject.ts';

/** The timeout of a client's direct call to a participant. */
const OWN_CALL_TIMEOUT_MS = 1_000;
const NANOSECONDS_PER_MS = 1e6;
const PARTICIPANTS_JOURNAL = 'participants.jsonl';
const CLIENTS_NOTES = 'clients.jsonl';
const UNFINISHED = 'unfinished.txt';
const MOST_DESCRIBED = 100;

/** Everything that a run found out. */
export interface RunResult {
  readonly disturbed: Disturbed;
  /** How often a coordinator ended without having been killed. */
  readonly deaths: number;
  /** From the first start to "ready". */
  readonly firstReadyMs: number;
  /** From the last restart until all transactions were final (or the waiting time had expired). */
  readonly settledMs: number;
  /**
   * The longest time for which the machine did not run this process, although it does little:
   * longer delays prove nothing about a coordinator.
   */
  readonly heldUpMs: number;
  readonly evidence: Evidence;
  readonly judged: readonly Judged[];
  /** Kinds of database faults that were requested and never happened. */
  readonly missing: readonly DatabaseFaultKind[];
  /** About coordinators rather than transactions; of several over a shared store. */
  readonly cluster: ClusterJudgement | undefined;
  /** Of a secured run. */
  readonly security: SecurityResult | undefined;
  /** The folder with journals, data and log; undefined if it was removed. */
  readonly folder: string | undefined;
}

/** Whether a run shows the coordinator innocent. A fault that never happened shows nothing. */
export function isClean(result: RunResult): boolean {
  const { deaths, judged, cluster: judgement, missing, security } = result;
  return (
    deaths === 0 &&
    missing.length === 0 &&
    (security === undefined || isSecure(security)) &&
    judged.every(({ violations }) => violations.length === 0) &&
    (judgement?.violations ?? []).length === 0
  );
}

/**
 * One crash test: starts participants and coordinators (`cliPath`), puts load on them, kills and
 * pauses what is planned, waits until everything is final, and judges. Leaves no process behind;
 * throws when the test itself cannot be done.
 */
export async function runCrashTest(
  options: RunOptions,
  cliPath: string,
  print: (line: string) => void,
): Promise<RunResult> {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-crash-test-'));
  const security = options.secured ? await Security.prepare(cliPath, folder) : undefined;
  try {
    return await runSubject({ options, cliPath, folder, print, security });
  } finally {
    await security?.remove();
  }
}

interface Run {
  readonly options: RunOptions;
  readonly cliPath: string;
  readonly folder: string;
  readonly print: (line: string) => void;
  readonly security: Security | undefined;
}

async function runSubject({ options, cliPath, folder, print, security }: Run): Promise<RunResult> {
  const { store } = options;
  const subject =
    store === 'lmdb'
      ? await loneCoordinator(options, cliPath, folder, print, security)
      : await cluster({ ...options, store }, cliPath, folder, print, security);
  const participants = await startParticipants(join(folder, PARTICIPANTS_JOURNAL), subject, security);
  try {
    const { unfinished, attempts, ...observed } = await observe({ options, folder, subject, participants, security });
    // Both are ended first, so that nothing is added to the journal while it is read.
    await subject.end();
    await participants.stop();
    const evidence = evidenceOf(folder, unfinished, attempts);
    const result = {
      ...observed,
      security: attempts === undefined ? undefined : securityResult(attempts.changes, attempts.intruder, evidence),
      deaths: subject.deaths,
      evidence,
      judged: judge(evidence),
      missing: missingFaults(options, observed.disturbed.faults),
      cluster: store === 'lmdb' ? undefined : judgeCluster(evidence, observed.disturbed, options.silenceMs),
      folder,
    };
    if (options.keep || !isClean(result)) return result;
    rmSync(folder, { recursive: true });
    return { ...result, folder: undefined };
  } finally {
    await subject.close();
    await participants.stop();
  }
}

/** Where a run takes place. */
interface Stage {
  readonly options: RunOptions;
  readonly folder: string;
  readonly subject: Subject;
  readonly participants: ParticipantsProcess;
  readonly security: Security | undefined;
}

interface Observed extends Pick<RunResult, 'disturbed' | 'firstReadyMs' | 'settledMs' | 'heldUpMs'> {
  readonly unfinished: ReadonlySet<string>;
  /** What was done to the security of the run; undefined: the run is not secured. */
  readonly attempts: SecurityRun | undefined;
}

/** Load, outages, and the wait for the end. */
async function observe(stage: Stage): Promise<Observed> {
  const { options, folder, subject, participants, security } = stage;
  const firstReadyMs = await subject.start();
  const attempts = security === undefined ? undefined : new SecurityRun(subject, security, participants.origin);
  const clients = openClients(stage);
  const load = new Load(clients.tools, options);
  const held = monitorEventLoopDelay({ resolution: 10 });
  held.enable();
  try {
    await attempts?.begin(options);
    load.start();
    const disturbed = await subject.disturb(() => load.inFlight);
    const lastReadyMs = performance.now();
    await load.stop();
    const unfinished = await settle(clients.tools.coordinator, new Set(load.gids), clients.tools.patienceMs);
    await noteUnfinished(clients.tools.coordinator, unfinished, folder);
    const settledMs = performance.now() - lastReadyMs + (disturbed.kills.at(-1)?.readyMs ?? 0);
    await attempts?.finish();
    return { disturbed, firstReadyMs, settledMs, heldUpMs: held.max / NANOSECONDS_PER_MS, unfinished, attempts };
  } finally {
    held.disable();
    clients.abandon();
    try {
      await load.stop();
    } finally {
      await clients.close();
      await attempts?.close();
    }
  }
}

/** Records the data that is needed to find the cause and is lost with the store. */
async function noteUnfinished(
  coordinator: CoordinatorClient,
  gids: ReadonlySet<string>,
  folder: string,
): Promise<void> {
  if (gids.size === 0) return;
  const descriptions: string[] = [`sessions ${JSON.stringify(await coordinator.sessions())}`];
  for (const gid of [...gids].slice(0, MOST_DESCRIBED)) descriptions.push(`${gid} ${await coordinator.describe(gid)}`);
  writeFileSync(join(folder, UNFINISHED), descriptions.join('\n'));
}

interface Clients {
  readonly tools: ClientTools;
  /** Ends the patience of the clients at work. */
  abandon(): void;
  close(): Promise<void>;
}

function openClients({ options, folder, subject, participants, security }: Stage): Clients {
  const coordinator = new CoordinatorClient(subject.origin, options.clients, security?.clients);
  const grpcCoordinator = new GrpcCoordinatorClient(subject.grpcAddress, security?.clients);
  const ownCalls = new ParticipantsClient(options.clients, OWN_CALL_TIMEOUT_MS, security?.ownCalls);
  const notes = openLines<Note>(join(folder, CLIENTS_NOTES));
  const journal = openSync(join(folder, PARTICIPANTS_JOURNAL), 'r');
  const patience = new AbortController();
  return {
    tools: {
      coordinator,
      grpcCoordinator,
      participants: ownCalls,
      urls: participantUrls(participants),
      notes,
      journalBytes: () => fstatSync(journal).size,
      patienceMs: options.settleSeconds * 1000,
      patience: patience.signal,
    },
    abandon: () => patience.abort(),
    async close() {
      grpcCoordinator.close();
      await Promise.all([coordinator.close(), ownCalls.close()]);
      notes.close();
      closeSync(journal);
    },
  };
}

function evidenceOf(folder: string, unfinished: ReadonlySet<string>, attempts: SecurityRun | undefined): Evidence {
  return {
    journal: readLines<JournalLine>(join(folder, PARTICIPANTS_JOURNAL)),
    notes: readLines<Note>(join(folder, CLIENTS_NOTES)),
    unfinished,
    ...(attempts !== undefined && { security: { doubts: attempts.changes.doubts } }),
  };
}
