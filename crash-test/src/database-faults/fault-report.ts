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

/** What each kind of fault did, one per line. */
export function faultLines(done: readonly DoneFault[]): string[] {
  const kinds = [...new Set(done.map(({ kind }) => kind))].toSorted();
  return kinds.map((kind, i) => {
    const hit = done.filter((one) => one.kind === kind && one.hits > 0);
    const effects = hit.map(({ hits, what }) => `${hits} ${what}`).join('; ');
    const label = i === 0 ? 'faults' : '';
    return `${label.padEnd(15)} ${kind.padEnd(19)} ${hit.length}${effects === '' ? '' : `: ${effects}`}`;
  });
}
