import type { Evidence } from './evidence.ts';
import type { ResponseLine, CallLine } from './journal.ts';
import type { Plan } from './plan.ts';

/** Calls and responses of one transaction, in the order in which they happened. */
export interface CallHistory {
  readonly gid: string;
  readonly plan: Plan;
  /** When its client began, ms since the epoch. */
  readonly plannedAtMs: number;
  readonly lines: readonly (CallLine | ResponseLine)[];
}

/** The calls of every transaction that a client began. */
export function callsOf(evidence: Evidence): readonly CallHistory[] {
  const lines = new Map<string, (CallLine | ResponseLine)[]>();
  for (const { line } of evidence.journal) {
    if (line.kind === 'commit' || line.kind === 'unverified') continue;
    const known = lines.get(line.gid);
    if (known === undefined) lines.set(line.gid, [line]);
    else known.push(line);
  }
  return evidence.notes.flatMap(({ line }) =>
    line.kind === 'planned'
      ? [{ gid: line.gid, plan: line.plan, plannedAtMs: line.atMs, lines: lines.get(line.gid) ?? [] }]
      : [],
  );
}

/**
 * Whether a coordinator makes the calls of this plan one after the other, each of them because of
 * the response to the previous one.
 */
export function isSequential(plan: Plan): boolean {
  return plan.pattern === 'workflow' || (plan.pattern !== 'tcc' && !plan.concurrent);
}
