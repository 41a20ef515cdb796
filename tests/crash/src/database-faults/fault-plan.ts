import { createRandom } from '../random.ts';
import type { SharedStore } from '../private-database.ts';
import { type DatabaseFaultKind, FAULTS_OF } from './fault-kinds.ts';

/** One planned fault; the time counts from the beginning of the load. */
export interface PlannedFault {
  readonly kind: DatabaseFaultKind;
  /** Earliest: faults come one after the other. */
  readonly atMs: number;
  /** How long something is held or down. */
  readonly lastsMs: number;
  /** In seconds, above 0; of the clock alone. */
  readonly clockStepS: number;
}

export interface FaultOptions {
  readonly store: SharedStore;
  readonly seed: number;
  readonly seconds: number;
  /** Number of times that each kind happens. */
  readonly faults: number;
}

/** Not the number of any transaction, nor the stream of kills and outages. */
const STREAM = 0x7fff_fffc;
/** A coordinator waits for a row lock for 3 s at most, and its lease lasts less than that. */
const SHORTEST_LOCK_MS = 4_000;
const LONGEST_LOCK_MS = 5_000;
const HOUR_S = 3_600;

/** Each kind of fault of a store, `faults` times, in a random order within each round. */
export function planFaults({ store, seed, seconds, faults }: FaultOptions): readonly PlannedFault[] {
  const random = createRandom(seed, STREAM);
  const kinds = Array.from({ length: faults }, () => {
    const left = [...FAULTS_OF[store]];
    return FAULTS_OF[store].flatMap(() => left.splice(random.between(0, left.length - 1), 1));
  }).flat();
  const slotMs = (seconds * 1000) / Math.max(1, kinds.length);
  return kinds.map((kind, slot) => ({
    kind,
    atMs: Math.round(slotMs * (slot + 0.5 * random.next())),
    lastsMs: kind.startsWith('locked')
      ? random.between(SHORTEST_LOCK_MS, LONGEST_LOCK_MS)
      : random.between(0, SHORTEST_LOCK_MS / 2),
    clockStepS: random.between(HOUR_S / 60, HOUR_S),
  }));
}

/** The plan in one line. */
export const describeFaults = (faults: readonly PlannedFault[]): string =>
  faults.map(({ kind, atMs }) => `${(atMs / 1000).toFixed(1)} s ${kind}`).join(', ');
