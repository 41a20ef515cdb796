import type { DatabaseName } from './databases/chaos-database.ts';
import type { ChaosLine } from './lines.ts';

/** Faults of branch calls, and their effects. */
const CALL_FAULTS = [
  'call twice',
  'call late',
  'call not delivered',
  'response of a call lost',
  'undo of what never ran',
  'late action rejected',
] as const;

const PROCESS_FAULTS = ['participant killed', 'initiator killed', 'coordinator killed'] as const;

/** Faults of a connection to a SQL database, by the moment. */
const SQL_FAULTS = [
  'cut at begin',
  'cut at barrier',
  'cut at commit',
  'response lost at commit',
  'response torn at commit',
  'cut at prepare',
  'response lost at prepare',
  'cut at end of prepared',
  'response lost at end of prepared',
  'terminated before work',
  'terminated after work',
  'terminated at random',
  'deadlock',
  'lock wait timeout',
] as const;

/** Its barrier is one script. */
const REDIS_FAULTS = [
  'cut at script',
  'response lost at script',
  'response torn at script',
  'terminated before work',
  'terminated at random',
] as const;

/**
 * Kinds of faults that each run on this database must have had; a kind that never happened proves
 * nothing.
 */
export function faultsOf(database: DatabaseName, isolation: string): readonly string[] {
  const common = [...CALL_FAULTS, ...PROCESS_FAULTS];
  if (database === 'redis') return [...common, ...REDIS_FAULTS];
  const serializes = database === 'postgres' && isolation !== 'read committed';
  return [...common, ...SQL_FAULTS, ...(serializes ? ['serialization failure'] : [])];
}

/** How often each kind of fault happened. */
export class FaultCounts {
  readonly #counts = new Map<string, number>();

  happened(kind: string, times = 1): void {
    this.#counts.set(kind, this.of(kind) + times);
  }

  of(kind: string): number {
    return this.#counts.get(kind) ?? 0;
  }

  /** Those of the kinds that did not happen, here or in what processes wrote down. */
  missing(kinds: readonly string[], lines: readonly ChaosLine[]): readonly string[] {
    const written = new Set(lines.flatMap((line) => (line.kind === 'fault' ? [line.fault] : [])));
    return kinds.filter((kind) => this.of(kind) === 0 && !written.has(kind));
  }

  all(): readonly (readonly [kind: string, times: number])[] {
    return [...this.#counts].toSorted(([a], [b]) => a.localeCompare(b));
  }
}
