import type { Holdings, Run } from './run.ts';

export type Outcome = 'committed' | 'rolled back' | 'HALF DONE';

export interface Verdict {
  readonly outcome: Outcome;
  /** Human-readable descriptions of what is wrong; empty if nothing is. */
  readonly complaints: readonly string[];
}

type Facts = Pick<Run, 'amount' | 'status' | 'before' | 'after' | 'prepared'>;

/**
 * Whether a transfer was atomic: done by both banks or neither, without money made or lost, and
 * without anything left behind.
 */
export function verdictOf({ amount, status, before, after, prepared }: Facts): Verdict {
  const outcome = outcomeOf(before, after, amount);
  const complaints: string[] = [];
  if (outcome === 'HALF DONE') complaints.push('the banks do not agree on what happened');
  if (totalOf(after) !== totalOf(before)) complaints.push('money was made or lost');
  if (after.held !== 0 || after.announced !== 0) complaints.push('something is still set aside');
  if (prepared.length > 0) complaints.push(`still prepared: ${prepared.join(', ')}`);
  if (status !== STATUS_OF[outcome]) complaints.push(`the coordinator reports ${status}`);
  return { outcome, complaints };
}

/** The total amount; an announced amount is still at bank A. */
export const totalOf = ({ ana, held, ben }: Holdings): number => ana + held + ben;

const STATUS_OF: Readonly<Record<Outcome, string>> = {
  committed: 'succeed',
  'rolled back': 'failed',
  'HALF DONE': 'neither',
};

function outcomeOf(before: Holdings, after: Holdings, amount: number): Outcome {
  const moved = { ana: before.ana - after.ana, ben: after.ben - before.ben };
  if (moved.ana === amount && moved.ben === amount) return 'committed';
  return moved.ana === 0 && moved.ben === 0 ? 'rolled back' : 'HALF DONE';
}
