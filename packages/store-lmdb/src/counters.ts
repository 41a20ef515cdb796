import type { StoreCounts } from '@holdfast/core/store';
import { countsOf, type RecordHead } from '@holdfast/core/store-kit';
import type { Status } from '@holdfast/protocol';
import { ByteReader, ByteWriter } from './bytes.ts';
import type { Changes } from './changes.ts';
import type { Environment } from './environment.ts';
import { checkFormat, VALUE_FORMAT } from './formats.ts';
import { allCounts, countsKey } from './keys.ts';

/** The order in which the counters of a namespace are stored. */
const ORDER: readonly Status[] = ['prepared', 'submitted', 'aborting', 'succeed', 'failed'];
const ATTENTION = ORDER.length;

const zeros = (): number[] => [0, 0, 0, 0, 0, 0];

/**
 * The changes that one write makes to the counters: one key per namespace and write, however many
 * records it changes.
 */
export class CountChanges {
  readonly #byNamespace = new Map<string, number[]>();

  /**
   * Counts a record that was created (`before` undefined), changed or deleted (`after` undefined).
   */
  note(before: RecordHead | undefined, after: RecordHead | undefined): void {
    if (before !== undefined) this.#add(before, -1);
    if (after !== undefined) this.#add(after, 1);
  }

  #add(head: RecordHead, by: number): void {
    let counts = this.#byNamespace.get(head.key.namespace);
    if (counts === undefined) this.#byNamespace.set(head.key.namespace, (counts = zeros()));
    const status = ORDER.indexOf(head.status);
    counts[status] = (counts[status] ?? 0) + by;
    if (head.attention) counts[ATTENTION] = (counts[ATTENTION] ?? 0) + by;
  }

  flush(env: Environment, changes: Changes): void {
    const { writer } = changes;
    for (const [namespace, deltas] of this.#byNamespace) {
      if (deltas.every((delta) => delta === 0)) continue;
      const key = countsKey(writer, namespace);
      const stored = readCounts(env.read(key));
      const start = writer.position;
      writer.u8(VALUE_FORMAT);
      stored.forEach((count, i) => writer.u48(count + (deltas[i] ?? 0)));
      changes.put(key, start);
    }
  }
}

function readCounts(value: Uint8Array | undefined): number[] {
  if (value === undefined) return zeros();
  const from = new ByteReader(value);
  checkFormat(from.u8());
  return zeros().map(() => from.u48());
}

/** The counters of one namespace, or the sum over all. */
export function countRecords(env: Environment, namespace?: string): StoreCounts {
  const writer = new ByteWriter(256);
  const stored =
    namespace === undefined
      ? [...env.scan(allCounts(writer))].map(({ value }) => readCounts(value))
      : [readCounts(env.read(countsKey(writer, namespace)))];
  const sums = zeros().map((_, i) => stored.reduce((sum, counts) => sum + (counts[i] ?? 0), 0));
  return countsOf((name) => sums[name === 'attention' ? ATTENTION : ORDER.indexOf(name)] ?? 0);
}
