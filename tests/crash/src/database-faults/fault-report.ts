import type { RunOptions } from '../options.ts';
import { type DatabaseFaultKind, FAULTS_OF } from './fault-kinds.ts';
import type { DoneFault } from './fault-run.ts';

/** The kinds that a run had to have and that hit nothing as often as planned. */
export function missingFaults(
  { store, faults }: Pick<RunOptions, 'store' | 'faults'>,
  done: readonly DoneFault[],
): readonly DatabaseFaultKind[] {
  if (store === 'lmdb') return [];
  return FAULTS_OF[store].filter((kind) => done.filter((one) => one.kind === kind && one.hits > 0).length < faults);
}

/** Of a fault that hit nothing, these show why. */
const LAST_ATTEMPTS = 2;

/** What each kind of fault did, one per line. */
export function faultLines(done: readonly DoneFault[]): string[] {
  const kinds = [...new Set(done.map(({ kind }) => kind))].toSorted();
  return kinds.map((kind, i) => {
    const attempts = done.filter((one) => one.kind === kind);
    const hit = attempts.filter(({ hits }) => hits > 0);
    const shown = hit.length > 0 ? hit : attempts.slice(-LAST_ATTEMPTS);
    const effects = shown.map(({ hits, what }) => `${hits} ${what}`).join('; ');
    const label = i === 0 ? 'faults' : '';
    return `${label.padEnd(15)} ${kind.padEnd(19)} ${hit.length}: ${effects}`;
  });
}
