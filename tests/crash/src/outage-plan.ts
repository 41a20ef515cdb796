import { createRandom, type Random } from './random.ts';

/**
 * One planned outage of a coordinator of several, or of their database:
 *
 * - `kill`: SIGKILL, and started again at once
 * - `pause`: SIGSTOP for longer than the silence limit, then SIGCONT
 * - `database`: the database is killed with SIGKILL, and started again after a while
 */
export type PlannedOutage =
  | { readonly kind: 'kill'; readonly atMs: number; readonly node: number }
  | { readonly kind: 'pause'; readonly atMs: number; readonly node: number; readonly lastsMs: number }
  | { readonly kind: 'database'; readonly atMs: number; readonly lastsMs: number };

export interface OutageOptions {
  readonly seed: number;
  readonly seconds: number;
  readonly nodes: number;
  readonly kills: number;
  readonly pauses: number;
  readonly databaseKills: number;
  readonly silenceMs: number;
}

/** Not the number of any transaction, so that the outages do not depend on the load. */
const STREAM = 0x7fff_fffd;
/** Time for a resumed node to drop its work and open its next session before its next outage. */
const REST_MS = 1_500;

/** When what goes down, in the order of time; the time counts from the beginning of the load. */
export function planOutages(options: OutageOptions): readonly PlannedOutage[] {
  const random = createRandom(options.seed, STREAM);
  const kinds = shuffled(random, [
    ...Array.from({ length: options.kills }, () => 'kill' as const),
    ...Array.from({ length: options.pauses }, () => 'pause' as const),
    ...Array.from({ length: options.databaseKills }, () => 'database' as const),
  ]);
  const slotMs = (options.seconds * 1000) / Math.max(1, kinds.length);
  const planned: PlannedOutage[] = [];
  for (const [slot, kind] of kinds.entries()) {
    const atMs = Math.round(slotMs * (slot + 0.1 + 0.5 * random.next()));
    planned.push(
      kind === 'database'
        ? databaseOutage(random, options, planned, atMs)
        : nodeOutage(random, options, planned, kind, atMs),
    );
  }
  return planned.toSorted((a, b) => a.atMs - b.atMs);
}

/** The first one is long enough that every node's lease runs out. */
function databaseOutage(
  random: Random,
  { silenceMs }: OutageOptions,
  before: readonly PlannedOutage[],
  atMs: number,
): PlannedOutage {
  const isFirst = before.every(({ kind }) => kind !== 'database');
  const lastsMs = Math.round(silenceMs * (isFirst ? 1.75 : 1.5 * random.next()));
  const resting = before.filter((one) => one.kind === 'pause').map((one) => one.atMs + one.lastsMs);
  const disturbed = resting.filter((endMs) => atMs > endMs - 500 && atMs < endMs + REST_MS);
  return { kind: 'database', atMs: Math.max(atMs, ...disturbed.map((endMs) => endMs + REST_MS)), lastsMs };
}

function nodeOutage(
  random: Random,
  { nodes, silenceMs }: OutageOptions,
  before: readonly PlannedOutage[],
  kind: 'kill' | 'pause',
  atMs: number,
): PlannedOutage {
  const first = random.between(0, nodes - 1);
  const freeAtMs = (node: number): number =>
    Math.max(
      0,
      ...before.map((one) => (one.kind === 'pause' && one.node === node ? one.atMs + one.lastsMs + REST_MS : 0)),
    );
  const order = Array.from({ length: nodes }, (_, index) => (first + index) % nodes);
  const node = order.find((one) => freeAtMs(one) <= atMs) ?? first;
  const start = { atMs: Math.max(atMs, freeAtMs(node)), node };
  return kind === 'kill'
    ? { kind, ...start }
    : { kind, ...start, lastsMs: Math.round(silenceMs * (1.25 + 0.5 * random.next())) };
}

function shuffled<T>(random: Random, values: readonly T[]): T[] {
  const left = [...values];
  return values.flatMap(() => left.splice(random.between(0, left.length - 1), 1));
}

/** The plan in one line. */
export function describeOutages(outages: readonly PlannedOutage[]): string {
  return outages
    .map((one) => {
      const at = `${(one.atMs / 1000).toFixed(1)} s`;
      if (one.kind === 'kill') return `${at} kill n${one.node + 1}`;
      const lasts = `${(one.lastsMs / 1000).toFixed(1)} s`;
      return one.kind === 'pause'
        ? `${at} pause n${one.node + 1} for ${lasts}`
        : `${at} kill the database for ${lasts}`;
    })
    .join(', ');
}
