import { figuresOf, type Figures } from './figures.ts';
import type { Judged } from './judge.ts';
import { clusterLines } from './cluster-report.ts';
import { describeKills, planKills } from './kill-plan.ts';
import { describeOutages, planOutages } from './outage-plan.ts';
import { commandOf, type RunOptions } from './options.ts';
import { faultLines } from './database-faults/fault-report.ts';
import { describeFaults, planFaults } from './database-faults/fault-plan.ts';
import { isClean, type RunResult } from './run.ts';
import { securityLines } from './secured/security-judge.ts';

/** Violations are reported in full for this number of transactions. */
const SHOWN_TRANSACTIONS = 10;
const SHOWN_LINES = 60;

/** What is going to be done, before it is. */
export function describePlan(options: RunOptions): string {
  return [
    `seed ${options.seed}: ${options.rate} transactions/s by at most ${options.clients} clients for ${options.seconds} s`,
    options.store === 'lmdb'
      ? `kills after these times of service: ${describeKills(planKills(options.seed, options.kills, options.seconds))}`
      : `${options.nodes} coordinators over ${options.store}: ${describeOutages(planOutages(options))}`,
    ...(options.store !== 'lmdb' && options.faults > 0
      ? [`faults of the database: ${describeFaults(planFaults({ ...options, store: options.store }))}`]
      : []),
  ].join('\n');
}

/** What was seen. */
export function describeResult(options: RunOptions, result: RunResult): string {
  return [
    ...figureLines(figuresOf(result.evidence, result.judged)),
    ...(result.cluster === undefined ? recoveryLines(result) : clusterLines(result, result.cluster, options.silenceMs)),
    `machine         held this process up for at most ${ms(result.heldUpMs)}`,
    ...faultLines(result.disturbed.faults),
    ...(result.security === undefined ? [] : securityLines(result.security)),
    ...result.missing.map((kind) => `NEVER HAPPENED  ${kind}`),
    ...deathLines(result),
    ...violationLines(result),
    `repeat with     ${commandOf(options)}`,
  ].join('\n');
}

function figureLines(figures: Figures): string[] {
  const { grpc } = figures;
  const effects = Object.entries(figures.effects).map(([op, count]) => `${op} ${count}`);
  const total = Object.values(figures.effects).reduce((sum, count) => sum + count, 0);
  return [
    '',
    `transactions    ${figures.transactions}, of which ${figures.acknowledged} acknowledged`,
    ...figures.byPattern.map(({ pattern, outcomes }) => {
      const parts = Object.entries(outcomes).filter(([outcome, count]) => count > 0 || outcome !== 'mixed');
      return `  ${pattern.padEnd(13)} ${parts.map(([outcome, count]) => `${outcome} ${count}`).join(', ')}`;
    }),
    `effects         ${total} (${effects.join(', ')})`,
    `calls           ${figures.calls}, of which ${figures.repeatedCalls} repeated`,
    `gRPC            ${grpc.submitted} transactions submitted over it, ${grpc.whole} with gRPC calls only, ${grpc.mixed} with calls over both`,
    `                ${grpc.calls} calls over it, of which ${grpc.checkBacks} check-backs and ${grpc.callbacks} callbacks`,
    `barrier         left out ${figures.absorbedRepeats} repeated and ${figures.absorbedEmpty} empty ones`,
  ];
}

function recoveryLines({ disturbed: { kills }, firstReadyMs, settledMs }: RunResult): string[] {
  const ready = kills.flatMap(({ readyMs }) => (readyMs === undefined ? [] : [readyMs])).toSorted((a, b) => a - b);
  const median = ready[Math.floor(ready.length / 2)] ?? Number.NaN;
  return [
    `kills           ${kills.length}, ${kills.filter(({ during }) => during === 'starting').length} of them during a start`,
    `time to recover ready ${ms(median)} after a restart (median), ${ms(ready.at(-1) ?? Number.NaN)} at most; first start ${ms(firstReadyMs)}`,
    `                all transactions final ${(settledMs / 1000).toFixed(1)} s after the last restart`,
  ];
}

const deathLines = ({ deaths }: RunResult): string[] => (deaths > 0 ? [`DIED            ${deaths} times`] : []);

function violationLines(result: RunResult): string[] {
  const guilty = result.judged.filter(({ violations }) => violations.length > 0);
  const kinds = countKinds(result);
  const count = Object.values(kinds).reduce((sum, times) => sum + times, 0);
  const counted = Object.entries(kinds).map(([kind, times]) => `${kind} ${times}`);
  return [
    ...guilty.slice(0, SHOWN_TRANSACTIONS).flatMap(guiltLines),
    ...(guilty.length > SHOWN_TRANSACTIONS ? [`… and ${guilty.length - SHOWN_TRANSACTIONS} more transactions`] : []),
    `violations      ${count}${counted.length > 0 ? ` (${counted.join(', ')})` : ''}`,
    ...(result.folder === undefined ? [] : [`journals        ${result.folder}`]),
    isClean(result) ? 'PASSED' : 'FAILED',
  ];
}

function guiltLines({ gid, violations, texts }: Judged): string[] {
  const omitted = texts.length - SHOWN_LINES;
  return [
    '',
    ...violations.map(({ kind, detail }) => `VIOLATION ${kind} of ${gid}: ${detail}`),
    ...texts.slice(0, SHOWN_LINES).map((text) => `    ${text}`),
    ...(omitted > 0 ? [`    … and ${omitted} more lines`] : []),
    '',
  ];
}

/** How often each kind of violation was found. */
export function countKinds({
  judged,
  cluster,
  security,
}: Pick<RunResult, 'judged' | 'cluster' | 'security'>): Record<string, number> {
  const counts: Record<string, number> = {};
  const all: string[] = [...judged, ...(cluster === undefined ? [] : [cluster])].flatMap(({ violations }) =>
    violations.map(({ kind }) => kind),
  );
  for (const _ of security?.letIn ?? []) all.push('let-in');
  for (const kind of all) counts[kind] = (counts[kind] ?? 0) + 1;
  return counts;
}

function ms(value: number): string {
  return `${Math.round(value)} ms`;
}
