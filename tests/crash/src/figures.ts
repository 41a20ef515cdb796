import type { Evidence } from './evidence.ts';
import type { Judged, Outcome } from './judge.ts';
import { WORKFLOW_NAME } from './participant-urls.ts';
import type { Plan } from './plan.ts';
import { isGrpcOnly } from './plan-protocols.ts';

/** What a run is summed up in. */
export interface Figures {
  readonly transactions: number;
  readonly acknowledged: number;
  readonly byPattern: readonly {
    readonly pattern: Plan['pattern'];
    readonly outcomes: Readonly<Record<Outcome, number>>;
  }[];
  /** Effects by op. */
  readonly effects: Readonly<Record<string, number>>;
  readonly calls: number;
  readonly grpc: GrpcFigures;
  /** Calls beyond the first of one op of one branch. */
  readonly repeatedCalls: number;
  /**
   * Calls that the barrier left out because their op had taken effect, or because what they undo
   * never had.
   */
  readonly absorbedRepeats: number;
  readonly absorbedEmpty: number;
}

/** The part of a run that used gRPC. */
export interface GrpcFigures {
  /** Transactions that clients submitted over gRPC. */
  readonly submitted: number;
  /** Transactions of which each call was planned over gRPC. */
  readonly whole: number;
  /** Transactions in which participants were called over both protocols. */
  readonly mixed: number;
  /** Calls that participants received over gRPC. */
  readonly calls: number;
  readonly checkBacks: number;
  readonly callbacks: number;
}

const PATTERNS = ['saga', 'tcc', 'msg', 'workflow'] as const;
const OUTCOMES: readonly Outcome[] = ['committed', 'rolled back', 'not accepted', 'mixed'];

/** Counts. */
export function figuresOf(evidence: Evidence, judged: readonly Judged[]): Figures {
  const lines = evidence.journal.map(({ line }) => line);
  const calls = lines.filter(({ kind }) => kind === 'call');
  const commits = lines.filter((line) => line.kind === 'commit');
  const distinct = new Set(calls.map(({ gid, branchId, op }) => JSON.stringify([gid, branchId, op])));
  const effects: Record<string, number> = {};
  for (const { op, effect } of commits) if (effect !== null) effects[op] = (effects[op] ?? 0) + 1;
  return {
    transactions: judged.length,
    acknowledged: judged.filter(({ acknowledged }) => acknowledged).length,
    byPattern: PATTERNS.map((pattern) => ({
      pattern,
      outcomes: outcomesOf(judged.filter((one) => one.pattern === pattern)),
    })),
    effects,
    calls: calls.length,
    grpc: grpcFiguresOf(evidence),
    repeatedCalls: calls.length - distinct.size,
    absorbedRepeats: commits.filter(({ skipped }) => skipped === 'repeated').length,
    absorbedEmpty: commits.filter(({ skipped }) => skipped === 'empty').length,
  };
}

function grpcFiguresOf({ journal, notes }: Evidence): GrpcFigures {
  const plans = notes.flatMap(({ line }) => (line.kind === 'planned' ? [line.plan] : []));
  const calls = journal.flatMap(({ line }) => (line.kind === 'call' ? [line] : []));
  const overGrpc = calls.filter(({ protocol }) => protocol === 'grpc');
  const gidsOverGrpc = new Set(overGrpc.map(({ gid }) => gid));
  const gidsOverHttp = new Set(calls.filter(({ protocol }) => protocol === 'http').map(({ gid }) => gid));
  return {
    submitted: plans.filter(({ submission }) => submission === 'grpc').length,
    whole: plans.filter(isGrpcOnly).length,
    mixed: [...gidsOverGrpc].filter((gid) => gidsOverHttp.has(gid)).length,
    calls: overGrpc.length,
    checkBacks: overGrpc.filter((call) => call.branchId === '00' && call.op === 'msg').length,
    callbacks: overGrpc.filter((call) => call.branchId === '00' && call.op === WORKFLOW_NAME).length,
  };
}

function outcomesOf(judged: readonly Judged[]): Record<Outcome, number> {
  const count = (outcome: Outcome): number => judged.filter((one) => one.outcome === outcome).length;
  return Object.fromEntries(OUTCOMES.map((outcome) => [outcome, count(outcome)])) as Record<Outcome, number>;
}
