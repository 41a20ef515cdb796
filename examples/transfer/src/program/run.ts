import {
  BranchFailure,
  type Holdfast,
  type Status,
  type TransactionDetails,
  TransactionFailed,
  TransactionPending,
} from '@holdfast/client';
import { setTimeout as pause } from 'node:timers/promises';
import { type PatternName, PATTERNS } from '../patterns/index.ts';
import type { Failure } from '../stage/failure.ts';
import type { SeenCall } from '../stage/network.ts';
import { openStage, type Stage } from '../stage/stage.ts';
import type { Pools } from './databases.ts';
import { wholeHistory } from './history.ts';

/** The money at both banks, in cents. */
export interface Holdings {
  readonly ana: number;
  readonly ben: number;
  /** Reserved at bank A, and announced to bank B: only during a transfer. */
  readonly held: number;
  readonly announced: number;
}

/** The result of one transfer. */
export interface Run {
  readonly pattern: PatternName;
  readonly failure: Failure;
  readonly amount: number;
  /** The status at the coordinator. */
  readonly status: Status;
  readonly before: Holdings;
  readonly after: Holdings;
  /** Transactions left prepared in either database. */
  readonly prepared: readonly string[];
  /** The transaction's history: what the coordinator recorded, and the application's own calls. */
  readonly details: TransactionDetails;
  /** Calls that arrived at bank B after the transaction had finished. */
  readonly lateCalls: readonly SeenCall[];
}

export interface RunOptions {
  readonly coordinatorUrl: string;
  readonly pools: Pools;
  readonly amount: number;
  readonly withoutBarrier: boolean;
}

const LONGEST_RUN_MS = 20_000;
const LOOK_MS = 20;

/**
 * Runs one transfer with one failure: resets the accounts, transfers, and collects the result after
 * every delayed call has arrived.
 */
export async function runTransfer(pattern: PatternName, failure: Failure, options: RunOptions): Promise<Run> {
  const stage = await openStage({ ...options, failure, pattern: PATTERNS[pattern] });
  try {
    const { hf, networks, transfer } = stage;
    const gid = hf.newGid();
    const before = await holdingsOf(stage);
    await Promise.all([
      attempt(() => transfer(gid, options.amount)),
      failure === 'down' && comeBackWhenMissed(stage, gid),
    ]);
    const ended = await endOf(hf, gid);
    const details = wholeHistory(ended, [...networks.a.seen, ...networks.b.seen]);
    const lateCalls = await networks.b.deliverLate();
    const after = await holdingsOf(stage);
    const prepared = [
      ...(await stage.bankA.prepared(`${gid}-`)).map((name) => `${name} in PostgreSQL`),
      ...(await stage.bankB.prepared(`${gid}-`)).map((name) => `${name} in MariaDB`),
    ];
    const { amount } = options;
    return { pattern, failure, amount, status: details.status, before, after, prepared, details, lateCalls };
  } finally {
    await stage.close();
  }
}

/**
 * Runs the transfer. The errors that an application receives when nothing was moved are expected;
 * any other error is a bug of this program.
 */
async function attempt(transfer: () => Promise<unknown>): Promise<void> {
  try {
    await transfer();
  } catch (error) {
    // A message rejects with the error of its local transaction.
    const expected = [TransactionFailed, TransactionPending, BranchFailure];
    if (!expected.some((each) => error instanceof each)) throw error;
  }
}

/** The finished transaction, or its current state if it does not finish. */
async function endOf(hf: Holdfast, gid: string): Promise<TransactionDetails> {
  try {
    return await hf.wait(gid, { timeoutMs: LONGEST_RUN_MS });
  } catch (error) {
    if (error instanceof TransactionFailed || error instanceof TransactionPending) return error.details();
    throw error;
  }
}

/**
 * Brings bank B back after the coordinator has recorded a failed call to it, or has finished
 * without it.
 */
async function comeBackWhenMissed({ hf, networks }: Stage, gid: string): Promise<void> {
  const deadlineMs = performance.now() + LONGEST_RUN_MS;
  while (performance.now() < deadlineMs) {
    const details = await hf.get(gid);
    if (details !== undefined && (details.finishedAtMs !== null || details.timeline.some(isMissed))) break;
    await pause(LOOK_MS);
  }
  await networks.b.comeBack();
}

const isMissed = (line: TransactionDetails['timeline'][number]): boolean =>
  line.kind === 'call' && line.result === 'UNKNOWN';

async function holdingsOf({ bankA, bankB }: Stage): Promise<Holdings> {
  const [ana, ben] = [await bankA.account(), await bankB.account()];
  return { ana: ana.balance, ben: ben.balance, held: ana.pending, announced: ben.pending };
}
